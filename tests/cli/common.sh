# SPDX-License-Identifier: MIT
# What the scripts of this folder share; each sources it first, called with the programs that it tests. They then work
# in an empty folder that goes away at the end, with $command, the first program, and the reference models in $models.
set -u
full() {
    case $1 in
        /*) echo "$1" ;;
        *) echo "$PWD/$1" ;;
    esac
}
command=$(full "$1") convert=$(full "${2:-$1}") narae=$(full "${3:-$1}")
for program in "$command" "$convert" "$narae"; do
    [ -x "$program" ] || { echo "no program at $program"; exit 1; }
done
golden=$(cd "$(dirname "$0")/../golden" && pwd)
models=$golden/models
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
bad=0 verb=

complain() {
    echo "FAILED: $*"
    bad=1
}

# refuse CODE PATTERN ARGUMENTS...: "$command $verb ARGUMENTS" exits with CODE, one line on stderr that matches PATTERN,
# nothing on stdout, and nothing left of an output.
refuse() {
    code=$1 pattern=$2
    shift 2
    # shellcheck disable=SC2086 # no verb is no word
    "$command" $verb "$@" >stdout 2>stderr </dev/null
    got=$?
    [ $got -eq "$code" ] || complain "$* exits with $got instead of $code: $(cat stderr)"
    [ "$(wc -l <stderr)" -eq 1 ] || complain "$* does not say one line: $(cat stderr)"
    grep -q "^${command##*/}.*: .*$pattern" stderr || complain "$* does not say '$pattern': $(cat stderr)"
    [ -s stdout ] && complain "$* prints $(cat stdout)"
    for left in out out.part out.state out.csv; do
        [ -e "$left" ] && complain "$* leaves $left behind"
    done
}

# accept PATTERN ARGUMENTS...: exits with 0, says PATTERN on stdout and nothing on stderr.
accept() {
    pattern=$1
    shift
    "$command" "$@" >stdout 2>stderr || complain "$* exits with $?: $(cat stderr)"
    grep -q "$pattern" stdout || complain "$* does not say '$pattern': $(cat stdout)"
    [ -s stderr ] && complain "$* complains: $(cat stderr)"
}

# sentences N: so many lines of made-up Korean.
sentences() {
    awk -v lines="$1" 'BEGIN {
        n = split("나무 바다 사람 학교 친구 노래 하늘 마음 시간 나라 아침 저녁 여름 겨울 편지 도시 마을 강물 바람 구름", stem, " ")
        split("에서 를 는 도 로 의 와 에 가 만", end, " ")
        for (i = 0; i < lines; ++i)
            printf "%s%s %s%s %s.\n", stem[i % n + 1], end[int(i / 7) % 10 + 1], stem[int(i / 3) % n + 1],
                end[i % 10 + 1], i % 2 ? "할 수 있다" : i " 번 보았다"
    }'
}

# finish: the verdict.
finish() {
    [ $bad -eq 0 ] && echo 'all good'
    exit $bad
}
