# Style and static checks.

# (what ukernel sched new writes is no C before its name is filled in)
LINT_C := $(filter-out ukernel/cli/template/%,$(sort $(wildcard ukernel/*.[ch] ukernel/*/*.[ch] ukernel/*/*/*.[ch] sandbox/*.[ch] tools/*.c guests/*.[ch] \
	  guests/*/*.[ch] tests/*.[ch] tests/*/*.[ch] bench/*.[ch] bench/*/*.[ch])))
LINT_SH := $(sort $(wildcard mk/*.sh tests/*.sh bench/*.sh .ci/run))
TIDY_SRC := $(filter-out ukernel/cli/template/%,$(sort $(wildcard ukernel/*.c ukernel/*/*.c ukernel/*/*/*.c \
	    sandbox/*.c bench/*.c)))
TIDY_FLAGS := -std=gnu11 -D_GNU_SOURCE -DUKERNEL_VERSION=__FILE__ -iquote ukernel -iquote sandbox -iquote bench
# Checks that find mistakes and not taste, and are quick.
TIDY_CHECKS := -*,bugprone-assert-side-effect,bugprone-bool-pointer-implicit-conversion,$\
	bugprone-infinite-loop,bugprone-integer-division,bugprone-macro-repeated-side-effects,$\
	bugprone-misplaced-widening-cast,bugprone-multiple-statement-macro,$\
	bugprone-posix-return,bugprone-redundant-branch-condition,bugprone-signal-handler,$\
	bugprone-string-literal-with-embedded-nul,bugprone-suspicious-enum-usage,$\
	bugprone-suspicious-memset-usage,bugprone-suspicious-realloc-usage,bugprone-suspicious-semicolon,$\
	bugprone-terminating-continue,bugprone-undefined-memory-manipulation,$\
	misc-misplaced-const,misc-redundant-expression,readability-misleading-indentation

.PHONY: lint lint-format lint-tidy lint-cppcheck lint-shell format
## make lint            format, clang-tidy, cppcheck, shellcheck, layering, generated documents
lint: lint-format lint-shell lint-cppcheck lint-tidy docs-check $(B)/layering.ok
lint-format:
	@echo LINT format; clang-format --dry-run -Werror $(LINT_C)
lint-shell: $(B)/ukernel.bash
	@echo LINT shell; shellcheck $(LINT_SH) $(B)/ukernel.bash
lint-cppcheck:
	@echo LINT cppcheck; cppcheck -q -j 2 --std=c11 --error-exitcode=1 --enable=portability \
		--inline-suppr --suppress=missingIncludeSystem --suppress=syntaxError '--suppress=comparePointers:sandbox/*' \
		--max-configs=1 -D_GNU_SOURCE -D__x86_64__ -Iukernel -Isandbox -Ibench \
		'--suppress=unknownMacro:bench/*' ukernel sandbox bench
lint-tidy:
	@echo LINT tidy; printf '%s\n' $(TIDY_SRC) | xargs -P 2 -n 8 sh -c \
		'clang-tidy --quiet --warnings-as-errors="*" --checks="$(TIDY_CHECKS)" "$$@" -- $(TIDY_FLAGS) 2>/dev/null' tidy
## make format          put the sources into the shape that make lint asks for
format:
	clang-format -i $(LINT_C)
