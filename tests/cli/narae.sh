#!/bin/sh
# SPDX-License-Identifier: MIT
# The narae command as users meet it: text in and out, what it says, how it exits, what it leaves behind.
#   sh narae.sh PATH/narae
. "$(dirname "$0")/common.sh"
model=$models/tiny-neox-parallel

same() {
    [ "$2" = "$3" ] || complain "$1: '$2' instead of '$3'"
}

# --- generate: the same text for every thread count, another for another seed, the speed on stderr ---
text=$("$command" generate -m "$model" -p '옛날 옛적에' -n 24 2>said)
[ -n "$text" ] || complain "generate says nothing"
grep -q '^prompt: .* tokens, .* per second; answer: 24 tokens, .* peak memory ' said || complain "no speed: $(cat said)"
for threads in 1 2 3; do
    same "threads $threads" "$("$command" generate -m "$model" -p '옛날 옛적에' -n 24 --threads $threads 2>said)" "$text"
done
[ "$("$command" generate -m "$model" -p '옛날 옛적에' -n 24 --seed 2 2>said)" = "$text" ] && complain "seed 2 changes nothing"
greedy=$("$command" generate -m "$model" -p '봄' -n 24 --temperature 0 2>said)
same "top-k 1 is greedy" "$("$command" generate -m "$model" -p '봄' -n 24 --top-k 1 2>said)" "$greedy"
same "no tokens" "$("$command" generate -m "$model" -p '봄' -n 0 2>said)" ""

# --- tokenize: there and back, pieces, JSON lines, special tokens only when asked for ---
printf '나래를 펴다\n\n<|endoftext|> abc\tx 😀\n' >lines
"$command" tokenize -m "$model" <lines >ids || complain "tokenize fails"
"$command" tokenize -m "$model/tokenizer.json" --threads 1 <lines | cmp -s - ids || complain "a model and its tokenizer differ"
"$command" tokenize -m "$model" --decode <ids | cmp -s - lines || complain "ids do not give the lines back"
same "special" "$(echo '<|endoftext|>' | "$command" tokenize -m "$model" --special)" 2
same "a JSON line" "$(printf '"a\\nb"\n' | "$command" tokenize -m "$model" --jsonl | "$command" tokenize -m "$model" --jsonl --decode)" '"a\nb"'
same "pieces give the line first" "$(printf '가 나\n' | "$command" tokenize -m "$model" --pieces | cut -f1)" "가 나"
printf 'no newline' | "$command" tokenize -m "$model" | "$command" tokenize -m "$model" --decode | grep -qx 'no newline' || complain "the last line is lost"

# --- tokenize keeps every byte: no UTF-8, zero bytes, CR LF, empty lines; nothing in, nothing out ---
printf '\377\376 \352\260\n\200abc\355\240\200\342\202\n\000x\000\n\n \n\351\n' >broken
"$command" tokenize -m "$model" <broken | "$command" tokenize -m "$model" --decode | cmp -s - broken || complain "bytes that are no UTF-8 change"
printf '나래를 펴다\r\n\r\n\ta \r\n' >crlf
"$command" tokenize -m "$model" <crlf | "$command" tokenize -m "$model" --decode | cmp -s - crlf || complain "CR LF changes"
printf '%s\r\n' "$(echo '나래' | "$command" tokenize -m "$model")" | "$command" tokenize -m "$model" --decode | grep -qx '나래' || complain "ids on a line that ends in CR LF"
for how in "" --decode --pieces --jsonl "--jsonl --decode"; do
    # shellcheck disable=SC2086
    "$command" tokenize -m "$model" $how </dev/null >stdout 2>stderr || complain "tokenize $how of nothing fails"
    [ -s stdout ] || [ -s stderr ] && complain "tokenize $how of nothing says something"
done
printf 'a\nb' >open_end
printf 'a\nb\n' >closed_end
"$command" tokenize -m "$model" <open_end >ids || complain "tokenize fails without a last newline"
"$command" tokenize -m "$model" <closed_end | cmp -s - ids || complain "a last newline changes the ids"
printf '%s' "$(cat ids)" | "$command" tokenize -m "$model" --decode | cmp -s - closed_end || complain "the last line of ids is lost"

# --- tokenize reads by blocks, which nothing shows: the same for every thread count, and lines are counted through ---
{ yes '나래를 펴고 바람을 타며 <|endoftext|> 12345' | head -n 60000; head -c 5000000 /dev/zero; echo; cat broken; } >long
"$command" tokenize -m "$model" --threads 1 <long >ids || complain "tokenize fails for a long text"
"$command" tokenize -m "$model" --threads 3 <long | cmp -s - ids || complain "threads change the ids"
"$command" tokenize -m "$model" --decode --threads 2 <ids | cmp -s - long || complain "a long text does not come back"
{ yes 7 | head -n 2500000; echo x; yes 7 | head -n 10; } | "$command" tokenize -m "$model" --decode >stdout 2>stderr && complain "a bad line in the second block goes unnoticed"
grep -q 'line 2500001: not a list of ids$' stderr || complain "a bad line in the second block: $(cat stderr)"

# --- tokenize: narae's own tokenizers cut words into morphemes; here at every gap, and all merges are expressions ---
merges=$(($(sed -n '/"merges"/,$p' "$model/tokenizer.json" | grep -c '^   "')))
{
    printf '"narae":{"version":1,"digits":3,"decomposed":"<|acc|>","expressions":%d,"attribution":"","boundaries":{"cut":-1,"weights":"' $merges
    printf '%0174763d=' 0 | tr 0 A
    printf '"}},\n'
} >section
sed '/"type": "BPE",/r section' "$model/tokenizer.json" >own.json
same "morphemes" "$(echo '큰 나래를 12345ab' | "$command" tokenize -m own.json --morphemes)" "$(printf '큰 나래를 12345ab\t큰 ▁나 래 를 ▁123 45 ab')"
same "an expression" "$(echo '....' | "$command" tokenize -m own.json --pieces)" "$(printf '....\t... .')"
same "no expressions" "$(echo '....' | "$command" tokenize -m own.json --pieces --no-expressions)" "$(printf '....\t. . . .')"
"$command" tokenize -m own.json --no-expressions <lines | "$command" tokenize -m own.json --decode | cmp -s - lines || complain "no expressions, no way back"
same "no expressions where there are none" "$("$command" tokenize -m "$model" --no-expressions <lines)" "$("$command" tokenize -m "$model" <lines)"
refuse 1 'tokenizer.json: this tokenizer knows no morphemes' tokenize -m "$model/tokenizer.json" --morphemes
refuse 1 'this tokenizer knows no morphemes' tokenize -m "$model" --morphemes
refuse 2 '--morphemes go with neither' tokenize -m own.json --morphemes --decode
refuse 2 '--morphemes go with neither' tokenize -m own.json --morphemes --jsonl

# --- tokenize --decode takes ids that exist, and names the line where one does not ---
# refuse_line TEXT LINE REASON OPTIONS...: TEXT (with \n as in printf) on standard input is refused for this line of it.
refuse_line() {
    printf '%b' "$1" >input
    at=$2 reason=$3
    shift 3
    "$command" tokenize -m "$model" "$@" <input >stdout 2>stderr
    same "exit of tokenize $*" $? 1
    same "tokenize $*" "$(cat stderr)" "narae tokenize: standard input: line $at: $reason"
}
past='an id past the end of the vocabulary'
same "the last id" "$(echo 502 | "$command" tokenize -m "$model" --decode)" '<|rrn|>'
refuse_line '1\n2 502\n3 503\n4\n' 3 "$past" --decode
refuse_line '1\n999999999\n' 2 "$past" --decode
refuse_line '[1]\n[]\n[2,502,503]\n' 3 "$past" --decode --jsonl
refuse_line '4294967296\n' 1 'not a list of ids' --decode
refuse_line '-1\n' 1 'not a list of ids' --decode
for bad_ids in '1 2' '[1' '{"a":1}' '[-1]' '[1.5]' '["1"]' '[[1]]' ''; do
    refuse_line "[1]\n$bad_ids\n" 2 'not a JSON array of ids' --decode --jsonl
done
refuse_line '"a"\n[1]\n' 2 'not a JSON string' --jsonl

# --- logits: float32 of every position; bench: figures for programs; chat: an answer a question ---
printf '1 2 3\n\n4\n' >sequences
"$command" logits -m "$model" --ids sequences -o out.f32 2>said || complain "logits: $(cat said)"
same "bytes of logits" "$(wc -c <out.f32 | tr -d ' ')" $((4 * 512 * 4))
"$command" bench -m "$model" -p 8 -n 4 -r 1 --json 2>said | grep -q '^{"prompt_tok_s":[0-9.]*,"gen_tok_s":[0-9.]*,"bytes_per_token":[0-9]*,"gen_gb_s":[0-9.]*,"bandwidth_gb_s":[0-9.]*,"first_token_ms":[0-9.]*,"peak_rss_bytes":[0-9]*}$' || complain "bench --json"
"$command" bench -m "$model" -p 8 -n 4 -r 2 2>said | grep -q '^generation .* tokens per second' || complain "bench"
same "chat answers each line" "$(printf '안녕\n\n잘 가\n' | "$command" chat -m "$model" -n 4 --system '짧게' 2>said | wc -l | tr -d ' ' | sed 's/^[2-9]$/some/')" some

# --- evaluate kobest: figures of each task that is there, every item's scores, examples from the train file ---
mkdir kobest
printf 'ID\tLabel\tText\n1\t1\t참 좋아요\n2\t0\t별로였다\n3\t1\t또 사고 싶다\n' >kobest/sentineg.dev.tsv
printf 'ID\tText\tLabel\n1\t맛있어요\t1\n2\t식었어요\t0\n' >kobest/sentineg.train.tsv
printf 'context\tchoice1\tchoice2\tchoice3\tchoice4\tlabel\n물을 끓인다.\t면을 넣는다.\t잔다.\t운다.\t간다.\t0\n' >kobest/hellaswag.dev.tsv
printf 'not a table' >kobest/copa.dev.tsv
printf 'sentence\tquestion\t1\t2\tAnswer\n비가 왔다.\t결과\t땅이 젖었다.\t땅이 말랐다.\t1\n' >kobest/copa.test.tsv
"$command" evaluate kobest kobest -m "$model" --items items >stdout 2>stderr || complain "evaluate kobest: $(cat stderr)"
same "tasks evaluated" "$(cut -d' ' -f2 stdout | tr '\n' ' ')" 'copa hellaswag sentineg '
[ -s stderr ] && complain "evaluate kobest says $(cat stderr)"
same "items" "$(grep -c '^{"task":"[a-z]*","row":[1-3],"scores":\[-[-0-9.,]*\],"pred":[0-3],"gold":[0-3]}$' items)" 5
"$command" evaluate kobest kobest -m "$model" --threads 1 --json --items again >json 2>stderr || complain "evaluate --json: $(cat stderr)"
cmp -s items again || complain "threads change the scores"
grep -q '^{"task":"hellaswag","shots":0,"n":1,"items_truncated":0,"acc":[01][.0]*,"acc_stderr":0[.0]*,"macro_f1":[01][.0]*,"acc_norm":[01][.0]*,"acc_norm_stderr":0[.0]*},$' json || complain "evaluate --json: $(cat json)"
"$command" evaluate kobest kobest -m "$model" --against "$model" --protocol card --cache f32 2>stderr | grep -c 'right_alone 0  against_right_alone 0  mcnemar_p 1.0000$' | grep -qx 3 || complain "evaluate --against itself: $(cat stderr)"
rm kobest/copa.* kobest/hellaswag.*
"$command" evaluate kobest kobest -m "$model" --shots 2 --items shots >stdout 2>stderr || complain "evaluate --shots: $(cat stderr)"
cmp -s items shots && complain "examples change nothing"
refuse 1 'sentineg: 3 examples asked for, there are 2' evaluate kobest kobest -m "$model" --shots 3 --items out
refuse 1 'sentineg: 2 examples do not fit the window of 40 tokens before half of the questions; [01] do' evaluate kobest kobest -m "$model" --shots 2 --window 40
rm kobest/sentineg.train.tsv
refuse 1 'kobest/sentineg.train.tsv: cannot open' evaluate kobest kobest -m "$model" --shots 1
printf 'ID\tText\n1\t좋다\n' >kobest/sentineg.test.tsv
refuse 1 'kobest/sentineg.test.tsv: line 1: no column Label' evaluate kobest kobest -m "$model" --items out
refuse 1 "$golden: no <task>.test.tsv or <task>.dev.tsv of KoBEST in it" evaluate kobest "$golden" -m "$model"
refuse 1 'nowhere: no <task>.test.tsv' evaluate kobest nowhere -m "$model"
refuse 2 'kobest DIR or perplexity FILE is missing' evaluate -m "$model"
refuse 2 '-m MODEL is missing' evaluate kobest kobest
refuse 2 "'grammar' is neither kobest nor perplexity" evaluate grammar kobest -m "$model"
refuse 2 '--stride goes with perplexity' evaluate kobest kobest -m "$model" --stride 4
refuse 2 "--protocol is 'mine', not one of harness, card" evaluate kobest kobest -m "$model" --protocol mine

# --- evaluate perplexity: what a text costs, by windows or by lines; another model's, and how far they are apart ---
sentences 30 >text
"$command" evaluate perplexity text -m "$model" --json >json 2>stderr || complain "evaluate perplexity: $(cat stderr)"
grep -q '^{"bits_per_char":[0-9.]*,"bits_per_byte":[0-9.]*,"perplexity":[0-9.]*,"nats_per_token":[0-9.]*,"tokens":[0-9]*,"characters":[0-9]*,"bytes":'"$(wc -c <text | tr -d ' ')"',"window":128,"stride":64}$' json || complain "evaluate perplexity --json: $(cat json)"
same "half the window is the stride" "$("$command" evaluate perplexity text -m "$model" --json --stride 64 --threads 1)" "$(cat json)"
"$command" evaluate perplexity text -m "$model" --lines | grep -q '^bits_per_char [0-9.]*  bits_per_byte ' || complain "evaluate perplexity --lines"
"$command" evaluate perplexity text -m "$model" --against "$model" | grep -q 'kl_per_token 0.0000  same_top 1.0000$' || complain "a model differs from itself"
"$command" evaluate perplexity text -m "$model" --against "${model%parallel}serial" | grep -q 'kl_per_token [1-9]' || complain "models do not differ"
: >empty
printf 'a\377\n' >broken_text
refuse 1 'empty: no text' evaluate perplexity empty -m "$model"
refuse 1 'broken_text: line 1: not UTF-8 (byte 1)' evaluate perplexity broken_text -m "$model"
refuse 1 'nowhere: cannot open' evaluate perplexity nowhere -m "$model"
refuse 1 'a stride of 200 leaves gaps between windows of 128' evaluate perplexity text -m "$model" --stride 200
refuse 2 '--shots goes with kobest' evaluate perplexity text -m "$model" --shots 1

# --- without a model: the demo model, which goes on in Korean and answers in a line ---
"$command" generate -p '오늘은 날씨가' -n 20 >stdout 2>said || complain "the demo model: $(cat said)"
LC_ALL=C tr -d '\000-\177' <stdout | grep -q . || complain "the demo model says: $(cat stdout)"
printf '고마워\n잘 자\n' | "$command" chat -n 60 >stdout 2>said || complain "the demo chat: $(cat said)"
[ "$(wc -l <stdout)" -eq 2 ] || complain "the demo chat says: $(cat stdout)"
grep -q '#\|<|' stdout && complain "the demo chat shows its marks: $(cat stdout)"

# --- bad use: exit 2, bad input: exit 1, one line each ---
refuse 2 "unknown verb 'sing'" sing
refuse 2 '-p PROMPT is missing' generate
refuse 2 "'--temperature' \|--temperature is 'warm', not a number" generate -m "$model" -p x --temperature warm
refuse 2 "-n is '-5', not a whole number" generate -m "$model" -p x -n -5
for threads in 0 -5 100000 many; do
    refuse 2 "--threads is '$threads', not a whole number" generate -m "$model" -p x --threads "$threads"
done
refuse 2 "--cache is 'q2', not one of q8, f32" generate -m "$model" -p x --cache q2
refuse 2 'needs one of -m MODEL and --shape NAME' bench
refuse 2 "--shape is 'huge'" bench --shape huge
for threads in 0 -5 100000; do
    refuse 2 "--threads is '$threads'" bench -m "$model" --threads $threads
done
refuse 1 'beyond the window of' bench -m "$model" --depth 100000
refuse 2 '--pieces and --morphemes go with neither' tokenize -m "$model" --pieces --decode
refuse 1 'nowhere: cannot open: ' generate -m nowhere -p x
refuse 1 'no config.json' generate -m "$golden" -p x
refuse 1 'the weights alone are' generate -m "$model" -p x --memory-limit 1K
refuse 1 'line 2: not a list of token ids' logits -m "$model" --ids "$(printf '1\nx\n' >bad; echo bad)" -o out
refuse 1 'line 1: token id 600 is not below 512' logits -m "$model" --ids "$(echo 600 >bad; echo bad)" -o out
refuse 1 'nowhere/out: cannot write' logits -m "$model" --ids sequences -o nowhere/out
refuse 1 'none: cannot open' logits -m "$model" --ids none -o out
echo 'one two' | "$command" tokenize -m "$model" --decode >stdout 2>stderr
same "exit of tokenize" $? 1
grep -q '^narae tokenize: standard input: line 1: not a list of ids$' stderr || complain "tokenize: $(cat stderr)"
for name in generate chat tokenize logits bench evaluate; do
    "$command" $name -h | grep -q "narae $name" || complain "$name -h"
done
"$command" --version | grep -q '^narae [0-9]' || complain "--version"
if [ -w /dev/full ]; then
    "$command" generate -m "$model" -p x -n 4 >/dev/full 2>stderr && complain "a full disk goes unnoticed"
fi

finish
