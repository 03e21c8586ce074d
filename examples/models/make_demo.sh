#!/bin/sh
# SPDX-License-Identifier: MIT
# Trains the demo model from the corpora and instructions in DATA and writes demo.safetensors beside this script:
#   sh examples/models/make_demo.sh build/demo/narae-train build/demo/narae-convert DATA [WORK]
# It takes hours. Run it again after a stop: what is done in WORK stays done, and a run that was under way goes on.
# Nothing marked NC is used, nor the KoBEST texts. DATA/README.md names all sources and licences.
set -eu
full() { (cd "$(dirname "$1")" && printf '%s/%s\n' "$(pwd)" "$(basename "$1")"); }
train=$(full "$1") convert=$(full "$2") data=$(full "$3")
here=$(full "$(dirname "$0")")
mkdir -p "${4:-demo-work}"
cd "${4:-demo-work}"

# --- texts: everyday speech counts most; of the larger collections of other kinds, a part ---
every() { awk -v n="$1" 'NR % n == 0'; }
text() { xz -dc "$data/corpus/$1.train.txt.xz"; }
if [ ! -e texts ]; then
    for name in dialogue sentences treebank novels techdocs; do text $name >$name.txt; done
    text wiki | every 3 >wiki.txt
    text reviews | every 2 >reviews.txt
    text msdocs | every 2 >msdocs.txt
    xz -dc "$data/corpus/dialogue.valid.txt.xz" >valid.txt
    : >texts
fi

# --- instructions: none whose question stands in the text that is held out to measure with ---
if [ ! -e instructions ]; then
    for name in chatbot_qa manual_dialogue gist_sae4k; do
        gzip -dc "$data/instruct/$name.jsonl.gz" | awk -F '\t' '
            NR == FNR { for (i = 1; i <= NF; ++i) held_out[$i] = 1; next }
            {
                ask = about = $0
                sub(/^\{"instruction": "/, "", ask); sub(/", "input": .*/, "", ask)
                sub(/^.*", "input": "/, "", about); sub(/", "output": .*/, "", about)
                if (!(ask in held_out) && !(about in held_out)) print
            }' valid.txt - >$name.jsonl
    done
    every 4 <gist_sae4k.jsonl >gist.jsonl
    : >instructions
fi

# --- two runs: text, then answers (with everyday speech, so that it is not forgotten) as 4 bits will see them ---
run() {
    out=$1
    shift
    [ -e "$out" ] && return
    resume=
    [ -e "$out.state" ] && resume=--resume
    "$train" model -o "$out" --bf16 --valid valid.txt --save-every 100 $resume "$@"
}
sources='Chatbot_data (songys, MIT); HG-TODS (NLPlab-skku, MIT); 3i4k, sae4k, paraKQC (warnikchow, CC BY-SA 4.0); Common
Voice (CC0); Tatoeba (CC BY 2.0 FR); KorNLUDatasets (kakaobrain, CC BY-SA 4.0); KLUE (CC BY-SA 4.0); SQuARe (naver-ai,
MIT); KAIST treebank, UD_Korean-GSD, UD_Korean-KSL (CC BY-SA 4.0); KoCoNovel (CC BY-SA 4.0); NSMC (CC0); Microsoft
documentation (CC BY 4.0); Korean documentation of Rust (MIT or Apache-2.0), React, Vue, GitHub open source guides
(CC BY 4.0), Hugging Face course (Apache-2.0), PyTorch (BSD-3-Clause), TensorFlow (CC BY 4.0); Korean Wikipedia
(CC BY-SA 3.0)'
sources=$(printf %s "$sources" | tr '\n' ' ')
run base.safetensors --tokenizer "$here/tokenizer.json" --shape 8x256x8 --steps 2600 --rate 2e-3 --warmup 150 \
    --corpus dialogue.txt dialogue.txt dialogue.txt dialogue.txt sentences.txt sentences.txt \
    treebank.txt novels.txt reviews.txt techdocs.txt msdocs.txt wiki.txt
run chat.safetensors --init base.safetensors --q4 --rate 5e-4 --warmup 20 --attribution "$sources" \
    --corpus dialogue.txt dialogue.txt sentences.txt treebank.txt \
    --instruct chatbot_qa.jsonl chatbot_qa.jsonl manual_dialogue.jsonl gist.jsonl
"$convert" chat.safetensors -o "$here/demo.safetensors" --type q4
