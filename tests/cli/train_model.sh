#!/bin/sh
# SPDX-License-Identifier: MIT
# narae-train model as users meet it: a run, a run that stops and goes on, what it refuses, what it leaves behind.
#   sh train_model.sh PATH/narae-train PATH/narae-convert PATH/narae
. "$(dirname "$0")/common.sh"
verb=model

# --- made-up sentences, instructions, and a small tokenizer ---
sentences 2000 >text
head -100 text >hundred
printf '{"instruction":"바다는 어디에 있어?","output":"강물이 끝나는 곳에 있어요."}\n' >ask
"$command" tokenizer text -o words.json --vocab 12800 >/dev/null 2>&1 || complain 'no tokenizer'
small="--tokenizer words.json --shape 2x32x2 --batch 4 --length 32 --rate 3e-3"

# stop_at FILE: waits until FILE is there, then stops the run in the background.
stop_at() {
    waited=0
    while [ ! -e "$1" ] && [ $waited -lt 400 ]; do
        sleep 0.05
        waited=$((waited + 1))
    done
    kill -INT $!
    wait $!
}

# --- a run, and the same run stopped on the way ---
# shellcheck disable=SC2086 # options are words
run() { "$command" model --corpus text --instruct ask $small --steps 30 --save-every 10 --valid hundred \
    --attribution ours "$@" >stdout 2>stderr; }
run -o whole || complain "a run: $(cat stderr)"
grep -q '^whole: 30 steps, loss [0-9.]*, .* written in ' stdout || complain "a run says: $(cat stdout)"
grep -q '^memory: [0-9.]* MB (network ' stderr || complain "no memory is told: $(cat stderr)"
grep -q 'step 30/30  loss [0-9.]*  [0-9]* tokens/s .* bits per character$' stderr || complain "no progress: $(cat stderr)"
[ "$(wc -l <whole.csv)" -eq 31 ] || complain "the curve has $(wc -l <whole.csv) lines"
grep -q '</svg>' whole.svg || complain 'no picture of the curve'
[ -e whole.state ] && complain 'a state stays after the run'
first=$(sed -n 2p whole.csv | cut -d, -f3) last=$(tail -1 whole.csv | cut -d, -f3)
awk "BEGIN { exit !($last < $first - 1) }" || complain "the loss goes from $first to $last"
"$convert" inspect whole --json | grep -q "attribution.*ours" || complain "no attribution in the file"
"$convert" whole -o packed --type q4 >/dev/null 2>stderr || complain "narae-convert: $(cat stderr)"
"$narae" generate -m packed -p '나무' -n 4 >/dev/null 2>stderr || complain "the model does not run: $(cat stderr)"

run -o half &
stop_at half.state
got=$?
if [ -e half.state ]; then
    [ $got -eq 130 ] || complain "a stopped run exits with $got: $(cat stderr)"
    [ -e half ] && complain 'a stopped run leaves a model'
    grep -q 'stopped; --resume goes on from half.state$' stderr || complain "a stopped run says: $(cat stderr)"
    run -o half --resume --checkpoint-layers 1 --threads 1 || complain "resuming: $(cat stderr)"
fi
cmp -s whole half || complain 'the resumed run is another run'
[ "$(cut -d, -f1-3 whole.csv)" = "$(cut -d, -f1-3 half.csv)" ] || complain 'the resumed run has another loss curve'

# --- further uses ---
run -o tuned --init whole --q4 --bf16 --steps 3 --state-on-disk 2>/dev/null && complain 'a shape and --init go together'
# shellcheck disable=SC2086
tune() { "$command" model --instruct ask --batch 2 --length 16 --steps 3 "$@" >stdout 2>stderr; }
tune -o tuned --init whole --q4 --bf16 --state-on-disk || complain "tuning: $(cat stderr)"
"$convert" inspect tuned --json | grep -q "seen_as.*q4" || complain "the history does not tell of q4"
[ -e tuned.numbers ] && complain 'the numbers stay on the disk'
tune -o student --tokenizer words.json --shape 1x32x2 --teacher whole || complain "a teacher: $(cat stderr)"
"$command" model --corpus hundred --tasks 0.5 $small --steps 2 -o tasks >/dev/null 2>stderr ||
    complain "exercises: $(cat stderr)"

# --- bad usage: exit 2 ---
refuse 2 'corpus TEXT or --instruct JSONL is missing' --tokenizer words.json --shape 1x32x2 -o out
refuse 2 'MODEL is missing' --corpus text --tokenizer words.json --shape 1x32x2
refuse 2 'shape SHAPE or --init MODEL is missing' --corpus text --tokenizer words.json -o out
refuse 2 'tokenizer FILE is missing' --corpus text --shape 1x32x2 -o out
for shape in 1x32 0x32x2 2x30x4 abc 2x32x2x2 1x32x5; do
    refuse 2 "shape is '$shape', neither a name nor" --corpus text --tokenizer words.json --shape $shape -o out
done
refuse 2 "steps is '0', not a whole number" --corpus text --tokenizer words.json --shape 1x32x2 -o out --steps 0
refuse 2 "rate is 'fast', not a number" --corpus text --tokenizer words.json --shape 1x32x2 -o out --rate fast

# --- bad input: exit 1 ---
: >empty
printf '나무\n\377\376\n' >broken
yes 'This is no Korean at all.' | head -100 >english
for case in 'empty:empty: no text in it' 'broken:broken: line 2: not UTF-8' 'none:none: cannot open: No such file' \
    'english:english: only 0 % of its letters are Hangul'; do
    refuse 1 "${case#*:}" --corpus "${case%%:*}" $small -o out
done
printf '나무' >short
refuse 1 'fewer than one sequence of 32' --corpus short $small -o out
printf '{"instruction":"바다"}\n' >ask2
refuse 1 'ask2: line 1: output is missing' --instruct ask2 $small -o out
refuse 1 'tiny-neox-parallel: has 512 rows, the tokenizer words.json [0-9]* ids' --corpus text \
    --init "$models/tiny-neox-parallel" --tokenizer words.json -o out
refuse 1 'not the same vocabulary' --corpus text $small --teacher "$models/tiny-neox-parallel" -o out
refuse 1 'training needs [0-9]* bytes, the limit is 1048576 (' --corpus text $small --memory-limit 1M -o out
refuse 1 'out.state: cannot open' --corpus text $small --resume -o out
refuse 1 'short: has [0-9]* tokens, fewer than one sequence of 32' --corpus text $small --valid short -o out
refuse 1 'nowhere/out: cannot write' --corpus text $small -o nowhere/out

# --- a run of another shape; a disk that is full while saving ---
run -o kept &
stop_at kept.state
if [ -e kept.state ]; then
    cp kept.state before
    run -o kept && complain 'a new run takes the place of a state'
    grep -q 'kept.state: the state of a run: --resume goes on from it' stderr || complain "a state there: $(cat stderr)"
    run -o kept --resume --teacher whole && complain 'a run goes on with a teacher that it began without'
    grep -q 'its options is .* teacher 0,.* not .* teacher 0.5,' stderr || complain "another teacher: $(cat stderr)"
    "$command" model --corpus text --instruct ask --tokenizer words.json --shape 1x32x2 --batch 4 --length 32 --rate 3e-3 \
        --steps 30 -o kept --resume >stdout 2>stderr
    [ $? -eq 1 ] || complain 'a state of another shape is taken'
    grep -q 'kept.state: is the state of another run: its shape is' stderr || complain "another shape: $(cat stderr)"
    (
        ulimit -f 16
        run -o kept --resume
        [ $? -eq 1 ] || complain 'a full disk goes unseen'
        grep -q 'cannot write: File too large' stderr || complain "a full disk: $(cat stderr)"
        exit $bad
    ) || bad=1
    cmp -s kept.state before || complain 'a full disk destroys the state'
fi

finish
