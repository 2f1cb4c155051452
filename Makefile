# ISC license.
# make            layer archives and programs: BUILD/lib, BUILD/bin
# make NAME       one of them: libktls.a, ktls-tlsd, ...
# make tests      test programs: BUILD/tests/unit, BUILD/tests/e2e
# make check      runs all tests (tests/run)
# make install    DESTDIR is honoured, by make uninstall too
# make dist       the sources as PACKAGE-VERSION.tar.gz, the same bytes each time
# V=1 shows whole commands; BUILD=DIR chooses another configuration, made with ./configure --build-dir=DIR.

BUILD ?= build
.DEFAULT_GOAL := all

include package/info
include package/targets.mak
ifeq ($(filter clean distclean dist,$(MAKECMDGOALS)),)
ifeq ($(wildcard $(BUILD)/config.mak),)
$(error no $(BUILD)/config.mak: run ./configure$(if $(filter-out build,$(BUILD)), --build-dir=$(BUILD)) first)
endif
include $(BUILD)/config.mak
endif

ALL_LAYERS := $(LAYERS) $(INTERNAL_LAYERS)
MAINS := $(foreach program,$(PROGRAMS),$(MAIN_$(program)))
folders = src/$(1) $(SUBFOLDERS_$(1):%=src/$(1)/%)
objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(filter-out $(MAINS),$(sort $(wildcard $(addsuffix /*.c,$(call folders,$(1)))))))
public_objects = $(call objects,$(1)) $(PARTS_$(1):%.c=$(BUILD)/obj/%.o)
pic_objects = $(patsubst $(BUILD)/obj/%,$(BUILD)/pic/%,$(call public_objects,$(1)))

LIBRARIES := $(foreach layer,$(LAYERS),$(BUILD)/lib/$(ARCHIVE_$(layer)))
BINARIES := $(PROGRAMS:%=$(BUILD)/bin/%)
SHARED_NAMES := $(foreach layer,$(SHARED_LAYERS),$(ARCHIVE_$(layer):.a=.so))
SHARED_FILES := $(if $(filter yes,$(SHARED)),$(SHARED_NAMES:%=$(BUILD)/lib/%.$(version)))
soname = $(1).$(basename $(version))
PRELOAD_FILE := $(BUILD)/lib/$(PRELOAD_LIBRARY)
PRELOAD_FILES := $(if $(filter yes,$(SHARED)),$(PRELOAD_FILE))

# The programs again with libc outside, where valgrind sees malloc and free.
DYNAMIC_BINARIES := $(PROGRAMS:%=$(BUILD)/tests/dynamic/%)

UNIT_TESTS := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/unit/*.c)))
E2E_HELPERS := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/e2e/*.c)))

# Names in a LIBS_ list: archives of ours, or -l:lib*.a. Programs and tests are
# linked with a layer's objects as they are.
archives = $(foreach lib,$(filter $(ALL_LAYERS),$(1)),$(BUILD)/obj/$(ARCHIVE_$(lib)))
library_flags = $(patsubst %,-l:lib%.a,$(filter-out $(ALL_LAYERS),$(1)))

ifeq ($(V),)
show = @echo "  $(1) $(if $(2),$(2),$@)";
endif

# The compiler notes its folder's path, which it takes from PWD, in debugging
# information: an option replaces it. It is the only path here that may hold
# spaces, because every other one is relative.
quoted = '$(subst ','\'',$(1))'
path_map_option := $(if $(PATH_MAP),$(call quoted,$(PATH_MAP)=$(CURDIR)=.))
export PWD := $(CURDIR)

COMPILE = $(call show,CC,$<)$(CC) $(CPPFLAGS) $(CFLAGS) $(path_map_option) -MMD -MP -c -o $@ $<
LINK = $(call show,LINK)$(CC) $(CFLAGS) $(LDFLAGS) $(LINK_MODE) -o $@ $(filter %.o %.a,$^)

.PHONY: all tests check install uninstall dist clean distclean $(PROGRAMS)
.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:

all: $(LIBRARIES) $(BINARIES) $(SHARED_FILES) $(PRELOAD_FILES)

# What is made depends on how it was configured.
$(BUILD)/obj/%.o: %.c $(BUILD)/config.mak
	@mkdir -p $(@D)
	$(COMPILE)

$(BUILD)/obj/src/program/version.o: CPPFLAGS += -DKTLS_VERSION='"$(version)"'
$(BUILD)/obj/src/eof/preload_check.o: CPPFLAGS += -DKTLS_LIBDIR='"$(libdir)"'
TCPSERVER ?= auto
$(BUILD)/obj/src/front/superserver.o: CPPFLAGS += -DKTLS_TCPSERVER='"$(TCPSERVER)"'

$(BUILD)/pic/%.o: %.c $(BUILD)/config.mak
	@mkdir -p $(@D)
	$(COMPILE) -fPIC

# What a layer's headers declare begins with the layer's name: an archive takes
# no name from a program of others.
define archive_rules
.PHONY: $(ARCHIVE_$(1))
$(ARCHIVE_$(1)): $(BUILD)/lib/$(ARCHIVE_$(1))
$(BUILD)/obj/$(ARCHIVE_$(1)): $(call objects,$(1))
$(BUILD)/lib/$(ARCHIVE_$(1)): $(call public_objects,$(1))
$(BUILD)/obj/$(ARCHIVE_$(1)) $(BUILD)/lib/$(ARCHIVE_$(1)): $(call folders,$(1)) $(BUILD)/config.mak
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(call show,AR)$$(AR) rcsD $$@ $$(filter %.o,$$^)
endef
$(foreach layer,$(ALL_LAYERS),$(eval $(call archive_rules,$(layer))))

define program_rules
$(1): $(BUILD)/bin/$(1)
$(BUILD)/bin/$(1): $(MAIN_$(1):%.c=$(BUILD)/obj/%.o) $(call archives,$(LIBS_$(1)))
	@mkdir -p $$(@D)
	$$(LINK) $(call library_flags,$(LIBS_$(1)))
$(BUILD)/tests/dynamic/$(1): LINK_MODE :=
$(BUILD)/tests/dynamic/$(1): $(MAIN_$(1):%.c=$(BUILD)/obj/%.o) $(call archives,$(LIBS_$(1)))
	@mkdir -p $$(@D)
	$$(LINK) $(call library_flags,$(LIBS_$(1)))
endef
$(foreach program,$(PROGRAMS),$(eval $(call program_rules,$(program))))
$(foreach program,$(LOOKUP_PROGRAMS),$(eval $(BUILD)/bin/$(program): LINK_MODE := $(LOOKUP_LINK_MODE)))

$(RESIDENT:%=$(BUILD)/bin/%): LINK_MODE := $(LINK_MODE:-static-pie=-static)

# $(1): layer, $(2): name of the library
define shared_rules
.PHONY: $(2)
$(2): $(BUILD)/lib/$(2).$(version)
$(BUILD)/lib/$(2).$(version): $(call pic_objects,$(1)) $(BUILD)/config.mak
	@mkdir -p $$(@D)
	$$(call show,LINK)$$(CC) $$(CFLAGS) $$(LDFLAGS) -shared -Wl,-soname,$(call soname,$(2)) -o $$@ $$(filter %.o,$$^)
	@ln -sf $$(@F) $$(@D)/$(call soname,$(2))
	@ln -sf $$(@F) $$(@D)/$(2)
endef
$(foreach layer,$(SHARED_LAYERS),$(eval $(call shared_rules,$(layer),$(ARCHIVE_$(layer):.a=.so))))

PRELOAD_OBJECTS := $(PRELOAD_SOURCES:%.c=$(BUILD)/pic/%.o) $(foreach layer,$(PRELOAD_LAYERS),$(call pic_objects,$(layer)))
$(PRELOAD_FILE): $(PRELOAD_OBJECTS) src/eof/preload/calls.map $(BUILD)/config.mak
	@mkdir -p $(@D)
	$(call show,LINK)$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,$(@F) -Wl,--version-script=src/eof/preload/calls.map -o $@ $(filter %.o,$^) \
		-l:libbearssl.a

tests: $(UNIT_TESTS) $(E2E_HELPERS) $(DYNAMIC_BINARIES)

# The layer in a test's name.
layer_of = $(filter $(ALL_LAYERS),$(firstword $(subst _, ,$(notdir $(1)))))
test_libs = $(or $(LIBS_$(call layer_of,$(1))),$(LIBS_tests))

define test_rules
$(1): $(1:$(BUILD)/%=$(BUILD)/obj/%.o) $(call archives,$(call test_libs,$(1)))
	@mkdir -p $$(@D)
	$$(LINK) $(call library_flags,$(call test_libs,$(1)))
endef
$(foreach test,$(UNIT_TESTS) $(E2E_HELPERS),$(eval $(call test_rules,$(test))))

# Where secrets become public, the test tells valgrind.
MAKE_PUBLIC := crypto_equal crypto_open_record crypto_share_generate crypto_share_answer crypto_verify
MAKE_PUBLIC += crypto_pss_sign crypto_keccak_squeeze
MAKE_PUBLIC += br_rsa_pkcs1_sign_get_default br_ecdsa_sign_asn1_get_default br_rsa_compute_modulus_get_default
MAKE_PUBLIC += br_ec_compute_pub br_ec_get_default
$(BUILD)/tests/e2e/constant-time: LINK_MODE :=
$(BUILD)/tests/e2e/constant-time: LDFLAGS += $(MAKE_PUBLIC:%=-Wl,--wrap=%)

check: all tests
	tests/run --build $(BUILD)

MAN_PAGES := $(wildcard doc/*.1 doc/*.3 doc/*.5 doc/*.7 doc/*.8)
HEADERS := $(foreach layer,$(LAYERS),$(wildcard src/$(layer)/$(layer).h)) src/ktls/numbers.h

# libktls-service's header is installed as ktls/service.h.
SERVICE_HEADER := src/control/service.h

# For pkg-config; folders in the prefix follow it when it is moved.
PKG_CONFIG_FILES := $(patsubst package/%.in,$(BUILD)/lib/%,$(wildcard package/*.pc.in))
prefixed = $(subst ^,,$(subst ^$(prefix)/,$${prefix}/,^$(1)))
$(BUILD)/lib/%.pc: package/%.pc.in package/info $(BUILD)/config.mak
	@mkdir -p $(@D)
	$(call show,PC)sed -e 's|@prefix@|$(prefix)|' -e 's|@libdir@|$(call prefixed,$(libdir))|' \
		-e 's|@includedir@|$(call prefixed,$(includedir))|' -e 's|@package@|$(package)|' \
		-e 's|@version@|$(version)|' -e 's|@libs@|$(filter -L%,$(LDFLAGS))|' $< >$@

# Paths of the installation, which may hold spaces, in quotes.
to = "$(DESTDIR)$(1)"
SHARED_LINKS := $(if $(SHARED_FILES),$(SHARED_NAMES) $(foreach name,$(SHARED_NAMES),$(call soname,$(name))))

install: all $(PKG_CONFIG_FILES)
	install -d $(call to,$(bindir)) $(call to,$(libdir)/pkgconfig)
	install -m 755 $(BINARIES) $(call to,$(bindir))
	install -m 644 $(LIBRARIES) $(SHARED_FILES) $(PRELOAD_FILES) $(call to,$(libdir))
	install -m 644 $(PKG_CONFIG_FILES) $(call to,$(libdir)/pkgconfig)
	set -e; for link in $(SHARED_LINKS); do \
		ln -sf $${link%.so*}.so.$(version) $(call to,$(libdir))/$$link; done
	set -e; for header in $(HEADERS:src/%=%); do \
		install -D -m 644 src/$$header $(call to,$(includedir)/$(package))/$$header; done
	install -m 644 $(SERVICE_HEADER) $(call to,$(includedir)/$(package)/ktls)
	set -e; for page in $(MAN_PAGES); do \
		install -D -m 644 $$page $(call to,$(mandir))/man$${page##*.}/$${page##*/}; done

# $(1): folder, $(2): names in it
remove = [ ! -d $(call to,$(1)) ] || (cd $(call to,$(1)) && rm -f $(2))

uninstall:
	$(call remove,$(bindir),$(PROGRAMS))
	$(call remove,$(libdir),$(notdir $(LIBRARIES) $(SHARED_FILES) $(PRELOAD_FILES)) $(SHARED_LINKS))
	$(call remove,$(libdir)/pkgconfig,$(notdir $(PKG_CONFIG_FILES)))
	rm -rf $(call to,$(includedir)/$(package))
	$(call remove,$(mandir),$(foreach page,$(MAN_PAGES),man$(patsubst .%,%,$(suffix $(page)))/$(notdir $(page))))

dist:
	tools/dist $(package)-$(version).tar.gz

clean:
	rm -rf $(addprefix $(BUILD)/,obj pic lib bin tests)

distclean:
	rm -rf $(BUILD)

DEPENDENCIES := $(patsubst %.c,%.d,$(wildcard src/*/*.c src/*/*/*.c tests/unit/*.c tests/e2e/*.c))
-include $(DEPENDENCIES:%=$(BUILD)/obj/%) $(DEPENDENCIES:%=$(BUILD)/pic/%)
