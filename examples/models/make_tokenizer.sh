#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes tokenizer.json anew:  sh examples/models/make_tokenizer.sh NARAE_TRAIN DATA
# NARAE_TRAIN is the narae-train command; DATA a folder with corpus/*.train.txt.xz and ud/*.train.tsv.xz as
# ../shared/data has them. Takes half a minute and half a gigabyte. Reviews, treebank and sentences count several times:
# they are what users write like, and small beside the encyclopedia.
set -eu
train=$1 data=$2 here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for name in reviews dialogue sentences treebank novels wiki; do xz -dc "$data/corpus/$name.train.txt.xz" >"$work/$name"; done
for name in kaist gsd; do xz -dc "$data/ud/$name.train.tsv.xz" >"$work/$name"; done
cd "$work"
"$train" tokenizer reviews reviews reviews dialogue sentences sentences treebank treebank treebank novels wiki \
    --boundaries kaist gsd --vocab 32000 -o "$here/tokenizer.json" --attribution \
    "Morpheme boundaries were learned from UD_Korean-Kaist and UD_Korean-GSD, as published by emorynlp/ud-korean and \
Universal Dependencies (CC BY-SA 4.0). Tokens were counted in Korean Wikipedia (CC BY-SA 3.0), the Naver sentiment \
movie corpus (CC0 1.0), Chatbot_data and HG-TODS (MIT), 3i4k, sae4k, paraKQC, KorNLUDatasets, KLUE, KoCoNovel and the \
text of these treebanks (CC BY-SA 4.0), SQuARe (MIT), Common Voice (CC0 1.0) and Tatoeba (CC BY 2.0 FR). The boundary \
weights are shared under CC BY-SA 4.0."
