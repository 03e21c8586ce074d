#!/bin/sh
# SPDX-License-Identifier: MIT
# What the demo model makes of fifty fixed prompts at temperature 0.7, with a penalty on what was said just before
# (without one, three how-to answers go in circles), so that anyone can judge it:
#   sh tests/bench/demo.sh build/demo/narae [MODEL] > tests/bench/demo_outputs.txt
set -eu
narae=$1 model=${2:-examples/models/demo.safetensors} how='--temperature 0.7 --repetition-penalty 1.2'
number=0
while IFS="$(printf '\t')" read -r verb prompt; do
    number=$((number + 1))
    if [ "$verb" = chat ]; then
        answer=$(printf '%s\n' "$prompt" | "$narae" chat -m "$model" -n 60 $how --seed $number 2>/dev/null)
        printf '%2d. %s\n    -> %s\n' $number "$prompt" "$answer"
    else
        text=$("$narae" generate -m "$model" -p "$prompt" -n 40 $how --seed $number 2>/dev/null </dev/null)
        printf '%2d. %s|%s\n' $number "$prompt" "$text"
    fi
done <"$(dirname "$0")/demo_prompts.txt"
