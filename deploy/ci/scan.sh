#!/bin/sh
# The pipeline step: scans one image, shows what fails it, keeps a JSON report.
#
#   scan.sh [ARCHIVE|LAYOUT|REFERENCE]
#
# Environment:
#   IMAGE_INPUT      archive or OCI layout to scan (or the first argument)
#   IMAGE_REF        reference to scan in place of an archive
#   SEVERITY         severities that fail the step, comma separated [CRITICAL]
#   REPORT           where the JSON report goes [seaworthy-report.json]
#   SEAWORTHY        the program [seaworthy]
#   SEAWORTHY_FLAGS  more flags, separated by spaces: --ignore-unfixed --ignorefile FILE …
#
# Exit codes: 0 the image passes, 1 it does not, 2 the step is set up wrongly, 3 it could not be scanned. Treat 3 as a
# failure too: an image that nobody could read is not clean.
set -u

say() { printf 'seaworthy step: %s\n' "$*" >&2; }

seaworthy=${SEAWORTHY:-seaworthy}
severity=${SEVERITY:-CRITICAL}
report=${REPORT:-seaworthy-report.json}
input=${IMAGE_INPUT:-}
reference=${IMAGE_REF:-}
if [ $# -gt 1 ]; then
    say 'one image at a time'
    exit 2
elif [ $# -eq 1 ]; then
    # What is there is an archive or a layout (`dir:TAG` too), anything else is a reference.
    if [ -e "$1" ] || [ -e "${1%:*}" ] || [ -e "${1%@*}" ]; then input=$1 reference=; else reference=$1 input=; fi
fi
if [ -n "$input" ] && [ -n "$reference" ]; then
    say 'IMAGE_INPUT and IMAGE_REF are both set: which of them?'
    exit 2
elif [ -z "$input$reference" ]; then
    say 'nothing to scan: set IMAGE_INPUT to an archive, or IMAGE_REF to a reference'
    exit 2
fi
if ! command -v "$seaworthy" >/dev/null 2>&1; then
    say "the program $seaworthy is not there: install it, or set SEAWORTHY to its path"
    exit 2
fi

# A report of an earlier run must not pass for one of this.
rm -f "$report" || exit 2
table=$(mktemp) || exit 2
trap 'rm -f "$table"' EXIT

if [ -n "$input" ]; then set -- --input "$input"; else set -- "$reference"; fi
# SEAWORTHY_FLAGS is a list of words.
# shellcheck disable=SC2086
"$seaworthy" image "$@" --exit-code 1 --severity "$severity" \
    --output "table=$table" --output "json=$report" --no-progress ${SEAWORTHY_FLAGS:-}
code=$?

cat "$table"
case $code in
0) say "passed: nothing of severity $severity (report: $report)" ;;
1) say "failed: there are vulnerabilities of severity $severity, the table above and $report name them and their fixes" ;;
2) say 'the program refuses its arguments, see its message above' ;;
3) say 'the image could not be scanned, so nothing is known about it; see the message above' ;;
*)
    say "the program ended with code $code; taken as: could not be scanned"
    code=3
    ;;
esac
exit "$code"
