// ISC license.
//
// Node's http on descriptor 0, a socket that is read and written:
//
//   ktls-tlsserver --socket 0.0.0.0 443 node server.js
//   ktls-tlsserver -m eof --socket 0.0.0.0 443 node server.js
//                                       the same, without a process beside it where the
//                                       kernel has TLS

const http = require("http");
const net = require("net");

const server = http.createServer((request, reply) => reply.end(`You asked for ${request.url}\n`));
server.emit("connection", new net.Socket({ fd: 0 }));
