# The two commands of the README. Both install the system packages that they miss, by name, and say so.
.PHONY: run test

# What Say needs: flite speaks English, espeak-ng everything else.
RUN_PACKAGES  = flite espeak-ng
# What the tests need besides: real SIP peers, tools that judge what the switch sends, and what installs and runs the
# official libraries that make TwiML.
TEST_PACKAGES = $(RUN_PACKAGES) sip-tester baresip-core tshark sipsak sox python3-pip nodejs npm

CARGO ?= cargo
# The release binary, wherever cargo is told to build.
TARGET_DIR = $${CARGO_TARGET_DIR:-target}

run:
	@.ci/packages --optional $(RUN_PACKAGES)
	$(CARGO) build --release --locked
	@exec $(TARGET_DIR)/release/trunkline supervise

test:
	@.ci/packages $(TEST_PACKAGES)
	@.ci/capture
	$(CARGO) test --workspace --locked
