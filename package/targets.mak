# What is built. A layer archive holds every .c file of its folder in src, so a
# new file needs no change here; neither does a new program that follows the
# rule: src/chain/NAME.c for each NAME in PROGRAMS is a main, every other .c
# file in src/chain goes into the archive that the programs share. So it is in
# src/front, the command lines around them.

# Layer archives, lowest first: NAME is made from src/NAME.
LAYERS := ktls crypto x509 tls relay

ARCHIVE_ktls := libktls.a
ARCHIVE_crypto := libktls-crypto.a
ARCHIVE_x509 := libktls-x509.a
ARCHIVE_tls := libktls-tls.a
ARCHIVE_relay := libktls-relay.a

# The layer that is also built as a shared library.
SHARED_LAYER := ktls
SHARED_LIBRARY := libktls.so

# Not installed.
INTERNAL_LAYERS := chain front
ARCHIVE_chain := libktls-chain.a
ARCHIVE_front := libktls-front.a

# What is linked with each layer, itself first, in the linker's order.
LIBS_ktls := ktls
LIBS_crypto := crypto $(LIBS_ktls) bearssl
LIBS_x509 := x509 $(LIBS_crypto)
LIBS_tls := tls $(LIBS_x509)
LIBS_relay := relay $(LIBS_tls) skarnet
LIBS_chain := chain $(LIBS_relay)
LIBS_front := front $(LIBS_chain)

# Programs: their main, and the layer they are linked with.
PROGRAMS := ktls-tlsd ktls-tlsc ktls-relay
PROGRAMS += ktls-proxyhdr

MAIN_ktls-tlsd := src/chain/ktls-tlsd.c
LIBS_ktls-tlsd := $(LIBS_chain)
MAIN_ktls-tlsc := src/chain/ktls-tlsc.c
LIBS_ktls-tlsc := $(LIBS_chain)
MAIN_ktls-relay := src/chain/ktls-relay.c
LIBS_ktls-relay := $(LIBS_chain)
MAIN_ktls-proxyhdr := src/front/ktls-proxyhdr.c
LIBS_ktls-proxyhdr := $(LIBS_front)

# Test programs: tests/unit/LAYER.c and LAYER_*.c get that layer, others all.
LIBS_tests := $(LIBS_chain)
