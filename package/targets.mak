# What is built. A layer archive holds every .c file of its folder in src, so a
# new file needs no change here; neither does a new program that follows the
# rule: a MAIN_ is not in its folder's archive, every other .c file is.

# The folders of src: each uses only those before it (tests/e2e/layers.t).
FOLDERS := ktls crypto x509 tls process program jail relay eof protocol
FOLDERS += endpoint control dial chain front check worker service init client

# Layer archives, lowest first: NAME is made from src/NAME and its SUBFOLDERS_.
LAYERS := ktls control crypto x509 tls
SUBFOLDERS_tls := v12 v13 entry

ARCHIVE_ktls := libktls.a
ARCHIVE_control := libktls-service.a
ARCHIVE_crypto := libktls-crypto.a
ARCHIVE_x509 := libktls-x509.a
ARCHIVE_tls := libktls-tls.a

# What a library for others contains of layers that are not.
PARTS_control := src/protocol/packet_send.c src/protocol/escape.c

# The layers that are also built as shared libraries.
SHARED_LAYERS := ktls control

# What ktls-eof preloads: these sources, and what they need of the layers.
PRELOAD_LIBRARY := libktls-eof.so
PRELOAD_SOURCES := $(wildcard src/eof/preload/*.c)
PRELOAD_LAYERS := ktls crypto

# Not installed.
INTERNAL_LAYERS := process program jail relay eof endpoint protocol dial chain front worker service init client check
ARCHIVE_process := libktls-process.a
ARCHIVE_dial := libktls-dial.a
ARCHIVE_jail := libktls-jail.a
ARCHIVE_relay := libktls-relay.a
ARCHIVE_program := libktls-program.a
ARCHIVE_endpoint := libktls-endpoint.a
ARCHIVE_chain := libktls-chain.a
ARCHIVE_front := libktls-front.a
ARCHIVE_eof := libktls-eof.a
ARCHIVE_protocol := libktls-protocol.a
ARCHIVE_worker := libktls-worker.a
ARCHIVE_service := libktls-broker.a
ARCHIVE_init := libktls-init.a
ARCHIVE_client := libktls-client.a
ARCHIVE_check := libktls-check.a

# What is linked with each layer, itself first, in the linker's order.
LIBS_ktls := ktls
LIBS_crypto := crypto $(LIBS_ktls) bearssl
LIBS_x509 := x509 $(LIBS_crypto)
LIBS_tls := tls $(LIBS_x509)
LIBS_process := process skarnet
LIBS_program := program $(LIBS_process)
LIBS_jail := jail $(LIBS_process)
LIBS_relay := relay jail program $(LIBS_tls) $(LIBS_process)
LIBS_endpoint := endpoint protocol $(LIBS_relay)
LIBS_chain := chain eof $(LIBS_endpoint)
LIBS_dial := dial protocol $(LIBS_process)
LIBS_front := front dial protocol $(LIBS_chain)
LIBS_eof := eof $(LIBS_program)
LIBS_protocol := protocol $(LIBS_tls) skarnet
LIBS_control := control protocol
LIBS_worker := worker dial protocol $(LIBS_endpoint)
LIBS_service := service $(LIBS_worker)
LIBS_init := init $(LIBS_service)
LIBS_client := client $(LIBS_control) $(LIBS_program)
LIBS_check := check $(LIBS_chain)

# Programs: their main, and the layer they are linked with.
PROGRAMS := ktls-tlsd ktls-tlsc ktls-relay
PROGRAMS += ktls-ucspitlsd ktls-ucspitlsc
PROGRAMS += ktls-tlsserver ktls-tlsclient ktls-proxyhdr ktls-pipe
PROGRAMS += ktls-eof
PROGRAMS += ktls-init ktls-resolve
PROGRAMS += ktls-connect ktls-accept
PROGRAMS += ktls-check

# Those of which one stays for every connection. Relocation costs a
# position-independent program 24 KiB that it shares with nobody.
RESIDENT := ktls-relay ktls-pipe

# Those that look names up: with the libc's modules, if it has such.
LOOKUP_PROGRAMS := ktls-resolve

MAIN_ktls-tlsd := src/chain/ktls-tlsd.c
LIBS_ktls-tlsd := $(LIBS_chain)
MAIN_ktls-tlsc := src/chain/ktls-tlsc.c
LIBS_ktls-tlsc := $(LIBS_chain)
MAIN_ktls-relay := src/relay/ktls-relay.c
LIBS_ktls-relay := $(LIBS_relay)
MAIN_ktls-ucspitlsd := src/chain/ktls-ucspitlsd.c
LIBS_ktls-ucspitlsd := $(LIBS_chain)
MAIN_ktls-ucspitlsc := src/chain/ktls-ucspitlsc.c
LIBS_ktls-ucspitlsc := $(LIBS_chain)
MAIN_ktls-tlsserver := src/front/ktls-tlsserver.c
LIBS_ktls-tlsserver := $(LIBS_front)
MAIN_ktls-tlsclient := src/front/ktls-tlsclient.c
LIBS_ktls-tlsclient := $(LIBS_front)
MAIN_ktls-proxyhdr := src/front/ktls-proxyhdr.c
LIBS_ktls-proxyhdr := $(LIBS_front)
MAIN_ktls-pipe := src/front/ktls-pipe.c
LIBS_ktls-pipe := $(LIBS_front)
MAIN_ktls-eof := src/eof/ktls-eof.c
LIBS_ktls-eof := $(LIBS_eof)
MAIN_ktls-init := src/init/ktls-init.c
LIBS_ktls-init := $(LIBS_init)
MAIN_ktls-resolve := src/worker/ktls-resolve.c
LIBS_ktls-resolve := $(LIBS_program)
MAIN_ktls-connect := src/client/ktls-connect.c
LIBS_ktls-connect := $(LIBS_client)
MAIN_ktls-accept := src/client/ktls-accept.c
LIBS_ktls-accept := $(LIBS_client)
MAIN_ktls-check := src/check/ktls-check.c
LIBS_ktls-check := $(LIBS_check)

# Test programs: tests/unit/LAYER.c and LAYER_*.c get that layer, others all.
LIBS_tests := $(LIBS_chain)
