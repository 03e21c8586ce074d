#!/bin/sh
# SPDX-License-Identifier: MIT
# The narae-train command as users meet it: what it says, how it exits, what it leaves behind; and that its files serve
# the other commands.
#   sh train.sh PATH/narae-train PATH/narae-convert PATH/narae
. "$(dirname "$0")/common.sh"

# --- a text of made-up sentences, and gold analyses in both formats ---
sentences 6000 >text
printf '바다에서\t바다+에서\tNNG+JKB\n나무를\t나무+를\tNNG+JKO\n사람\t사람\tNNG\n학교도\t학교+도\tNNG+JX\n' >three
{
    printf '# sent_id = 1\n'
    printf '1\t친구는\t친구+는\tNOUN\tncn+jxt\t_\t2\tdep\t_\t_\n'
    printf '2\t보고\t보+고\tVERB\tpvg+ecc\t_\t0\troot\t_\tSpaceAfter=No\n3\t.\t.\tPUNCT\tsf\t_\t2\tpunct\t_\t_\n\n'
} >ten

# --- good use ---
accept '^narae-train tokenizer TEXT' -h
accept '^narae-train tokenizer TEXT' --help
accept '^example:  narae-train tokenizer' tokenizer -h
accept '^bare.json: [0-9]* tokens, 0 gold words, [0-9.]* kB written in ' tokenizer text -o bare.json --vocab 12800 --threads 1
accept '^whole.json: [0-9]* tokens, 6 gold words, ' tokenizer text -o whole.json --boundaries three ten --vocab=12800 \
    --expressions 64 --attribution 'made "here"'
tokens=$(sed 's/^whole.json: \([0-9]*\) .*/\1/' stdout)
[ $((tokens % 64)) -eq 0 ] || complain "$tokens tokens"
grep -q '"attribution":"made \\"here\\""' whole.json || complain 'no attribution'
accept '6 gold words' tokenizer text -o again.json --boundaries three --boundaries ten --vocab 12800 --expressions 64 \
    --attribution 'made "here"' --threads 3
cmp -s whole.json again.json || complain 'more threads make another file'
accept ' 1472 tokens, ' tokenizer text text -o small --vocab 1472
for left in ./*.part; do
    [ -e "$left" ] && complain "leaves $left behind"
done

# --- the file serves the others ---
"$narae" tokenize -m whole.json <text >ids 2>stderr || complain "narae tokenize: $(cat stderr)"
"$narae" tokenize -m whole.json --decode <ids 2>stderr | cmp -s - text || complain "the text does not come back: $(cat stderr)"
pieces=$(echo '바다를 나무에서' | "$narae" tokenize -m whole.json --morphemes | cut -f2)
[ "$pieces" = '바다 를 ▁나무 에서' ] || complain "morphemes are: $pieces"
pieces=$(echo '바다를' | "$narae" tokenize -m bare.json --morphemes | cut -f2)
[ "$pieces" = '바다를' ] || complain "morphemes without gold analyses are: $pieces"
"$convert" "$models/tiny-neox-parallel" -o model --type f16 --tokenizer whole.json >stdout 2>stderr ||
    complain "narae-convert --tokenizer: $(cat stderr)"
grep -q "new vocabulary: $tokens tokens" stdout || complain "narae-convert says: $(cat stdout)"
"$narae" tokenize -m model <text 2>stderr | cmp -s - ids || complain "the model tokenizes otherwise: $(cat stderr)"
"$narae" generate -m model -p '나무' -n 4 >stdout 2>stderr || complain "the model does not run: $(cat stderr)"

# --- bad usage: exit 2 ---
refuse 2 "the first word is none of 'corpus', 'tokenizer' and 'model'"
refuse 2 "the first word is none of 'corpus', 'tokenizer' and 'model'" nothing text -o out
refuse 2 'TEXT is missing' tokenizer
refuse 2 'TEXT is missing' tokenizer -o out --boundaries three text
refuse 2 '-o FILE is missing' tokenizer text
refuse 2 'unknown option --layers' tokenizer text -o out --layers 3
refuse 2 'boundaries needs a value' tokenizer text -o out --boundaries
for vocab in 64 300 320 31999; do
    refuse 2 "a vocabulary of $vocab tokens: not a multiple of 64 from 384 on" tokenizer text -o out --vocab $vocab
done
for vocab in abc 0 -64 1.5 '' 2000000; do
    refuse 2 "vocab is '$vocab', not a whole number from 64 to" tokenizer text -o out --vocab "$vocab"
done
refuse 2 'more than a quarter of the vocabulary for expressions' tokenizer text -o out --vocab 640 --expressions 161
refuse 2 "threads is '0', not a whole number" tokenizer text -o out --threads 0

# --- bad input: exit 1 ---
refuse 1 'none: cannot open: No such file' tokenizer none -o out
refuse 1 'none: cannot open: No such file' tokenizer text none -o out
refuse 1 'none: cannot open: No such file' tokenizer text -o out --boundaries three none
printf '\n\n' >blank
refuse 1 'no text in the input' tokenizer blank -o out
: >empty
refuse 1 'no text in the input' tokenizer empty -o out
refuse 1 'empty: no words in it' tokenizer text -o out --boundaries empty
refuse 1 'text: line 1: 1 columns, not the 10 of CoNLL-U' tokenizer text -o out --boundaries text
{ cat ten; printf '1\t친구는\t친구+는\tNOUN\n'; } >broken
refuse 1 'broken: line 6: 4 columns, not the 10 of CoNLL-U' tokenizer text -o out --boundaries three broken
{ cat ten; printf '# \303\n'; } >broken
refuse 1 'broken: line 6: not UTF-8' tokenizer text -o out --boundaries broken
cat three ten >broken
refuse 1 'broken: line 6: 10 columns, not the 3 of form, morphemes, tags' tokenizer text -o out --boundaries broken
printf '사람\t사람\tNNG\n' >broken
refuse 1 'no particle and no ending begins inside a word' tokenizer text -o out --boundaries broken

# --- outputs that cannot be written ---
refuse 1 'nowhere/out: cannot write: No such file' tokenizer text -o nowhere/out
mkdir folder
refuse 1 'folder: cannot write: is a folder' tokenizer text -o folder
cp whole.json kept
(
    ulimit -f 1
    refuse 1 'out: cannot write: File too large' tokenizer text -o out --vocab 12800
    refuse 1 'kept: cannot write: File too large' tokenizer text -o kept --vocab 12800
    exit $bad
) || bad=1
cmp -s whole.json kept || complain 'a failure changes the file that was there'
[ -e kept.part ] && complain 'a failure leaves kept.part behind'

# --- corpus: raw lines to clean ones ---
# clean ARGUMENTS...: standard input to stdout, with one line on stderr.
clean() {
    "$command" corpus "$@" >stdout 2>stderr || complain "corpus $* exits with $?: $(cat stderr)"
    [ "$(wc -l <stderr)" -eq 1 ] || complain "corpus $* does not say one line: $(cat stderr)"
    grep -q '^narae-train corpus: [0-9]* of [0-9]* lines kept, .* written in ' stderr || complain "corpus $* says: $(cat stderr)"
}
# gives TEXT ARGUMENTS...: what was cleaned last is TEXT.
gives() {
    printf '%b' "$1" | cmp -s - stdout || complain "corpus gives '$(cat stdout)' instead of '$1'"
}
accept '^example:  narae-train corpus' corpus -h
{
    printf '<p>\353\202\230\353\236\230\353\245\274 <b>펴다</b> &amp; 날다</p>\r\n'
    printf '문의는 010-1234-5678, hong@example.com으로 하세요.\n오늘 뭐 했어?\t집에서 쉬었어요 ㅋㅋㅋㅋㅋㅋ\n'
    printf 'Nothing but English\n\n짧다\n로그인 회원가입 장바구니 고객센터\n나래를 펴다 & 날다\n끝이 잘린 줄입니다\353'
} >raw
clean --report report.json <raw
gives '나래를 펴다 & 날다\n문의는 <|tel|>, <|email|>으로 하세요.\n오늘 뭐 했어?\t집에서 쉬었어요 ㅋㅋㅋ\n끝이 잘린 줄입니다\n'
for count in '"lines": 9' '"kept": 4' '"invalid_utf8": 1' '"markup": 1' '"runs": 1' '"telephone": 1' '"email": 1' '"not_korean": 1' \
    '"too_short": 2' '"spam": 1' '"duplicate": 1' '"conversation": 2'; do
    grep -q "$count,*\$" report.json || complain "the report does not say $count: $(cat report.json)"
done
grep -q '4 of 9 lines kept, ' stderr || complain "corpus says: $(cat stderr)"
[ -e report.json.part ] && complain 'corpus leaves report.json.part behind'
cp stdout cleaned
clean <cleaned
cmp -s stdout cleaned || complain 'clean text changes'
clean --domain conversation <raw
gives '문의는 <|tel|>, <|email|>으로 하세요.\n오늘 뭐 했어?\t집에서 쉬었어요 ㅋㅋㅋ\n'
line='어느 날 아침 바람이 나무를 흔들고 지나가자 마당에는 노란 잎이 가득 쌓였다'
printf '%s\n%s 또\n' "$line" "$line" >near
clean <near
gives "$line\\n"
clean --near-duplicates off <near
gives "$line\\n$line 또\\n"
clean --report report.json </dev/null
gives ''
grep -q '"lines": 0' report.json || complain "the report of nothing: $(cat report.json)"
i=0
while [ $i -lt 300 ]; do
    cat raw text
    printf '나래를 %s번 펴고\n' $i
    i=$((i + 1))
done >long
head -c 3000000 /dev/zero >>long
clean --threads 1 --report one.json <long
cp stdout cleaned
for threads in 2 3; do
    clean --threads $threads --report more.json <long
    cmp -s stdout cleaned || complain "$threads threads give another text"
    cmp -s one.json more.json || complain "$threads threads give another report"
done
grep -q '"too_long": 1' one.json || complain "a line without end: $(cat one.json)"
[ "$(cat long | "$command" corpus 2>stderr | cksum)" = "$(cksum <cleaned)" ] || complain 'a pipe gives another text'
refuse 2 'unknown option -o' corpus -o out
refuse 2 "unexpected argument 'raw'" corpus raw
refuse 2 "near-duplicates is 'maybe', not one of off, on" corpus --near-duplicates maybe
refuse 2 "domain is 'news', not one of conversation, information" corpus --domain news
refuse 2 'report needs a value: FILE' corpus --report
refuse 1 'nowhere/report: cannot write: No such file' corpus --report nowhere/report <raw
if [ -w /dev/full ]; then
    "$command" corpus --report out <raw >/dev/full 2>stderr
    [ $? -eq 1 ] || complain 'a full disk goes unnoticed'
    [ "$(cat stderr)" = 'narae-train corpus: cannot write to standard output' ] || complain "a full disk: $(cat stderr)"
    [ -e out ] || [ -e out.part ] && complain 'a failed filter leaves a report behind'
fi

# --- Ctrl-C: nothing half-written stays ---
i=0
while [ $i -lt 400 ]; do
    set -- "$@" text
    i=$((i + 1))
done
shift 3
for signal in INT TERM; do
    "$command" tokenizer "$@" -o out --threads 1 >stdout 2>stderr &
    waited=0
    while [ ! -e out.part ] && [ $waited -lt 200 ]; do
        sleep 0.05
        waited=$((waited + 1))
    done
    kill -$signal $!
    wait $!
    got=$?
    [ $got -eq 130 ] || complain "a stopped command exits with $got: $(cat stderr)"
    [ "$(cat stderr)" = 'narae-train tokenizer: cancelled' ] || complain "a stopped command says: $(cat stderr)"
    [ -e out ] || [ -e out.part ] && complain 'a stopped command leaves a file behind'
done

finish
