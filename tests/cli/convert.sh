#!/bin/sh
# SPDX-License-Identifier: MIT
# The narae-convert command as users meet it: what it says, how it exits, what it leaves behind.
#   sh convert.sh PATH/narae-convert
. "$(dirname "$0")/common.sh"

# --- good use: there and back ---
for model in tiny-neox-parallel tiny-neox-serial tiny-neox-legacy-pt; do
    for type in f32 f16 q8 q4; do
        accept 'weights, .* bits each, weight error .* written in' "$models/$model" -o out --type $type --threads 2
        accept "convert narae .* type $type" inspect out
        accept '"tensors":\[{"name":"gpt_neox.embed_in.weight"' inspect out --json
        accept '^  tokenizer       503 tokens, [0-9.]* kB$' inspect out
        accept 'checkpoint of type f32' export out --type=f32 -o folder
        accept 'original checkpoint' inspect folder
        accept 'weights, ' folder -o again --type f32
        rm -r out folder again
    done
done
accept 'random weights of slim' synthesize --shape slim --type q4 -o slim
accept 'sharing 2 keys and values' inspect slim
accept 'checkpoint of type f16' export slim -o folder/
accept 'sharing 8 keys and values' inspect folder
rm -r folder
tokenizers=$models/../tokenizers
accept 'new vocabulary: 2003 tokens, [0-9.]* % copied, [0-9.]* old tokens each' \
    "$models/tiny-neox-parallel" -o out --type f16 --tokenizer "$tokenizers/mid.json"
accept '^  vocabulary      2048$' inspect out
accept '^  tokenizer       2003 tokens, ' inspect out
accept 'step tokenizer narae .* tokens 2003 copied 0\.[0-9]* pieces [0-9.]*' inspect out
accept 'checkpoint of type f16' export out -o folder
grep -q '"vocab_size": 2048' folder/config.json || complain 'export after --tokenizer has the old vocabulary'
accept 'new vocabulary: 503 tokens, ' folder -o again --tokenizer "$tokenizers/tiny.json"
rm -r out folder again
i=0
while [ $i -lt 900 ]; do
    echo "나래는 $((i * i % 89))번째 문장을 읽고 $i번을 더 읽는다."
    i=$((i + 1))
done >text
accept '^calibrated by [0-9]* tokens: [0-9.]* % of the layers. outputs lost, at most [0-9.]* % (gpt_neox.*); ' \
    "$models/tiny-neox-parallel" -o out --calibrate text
accept 'step calibrate narae .* method gptq sparsity none text text tokens [0-9]* output_error 0\.' inspect out
for sparsity in 0.5 2:4 4:8; do
    accept '; 5[0-9]\.[0-9] % zeros$' "$models/tiny-neox-serial" -o out --calibrate text --sparsity $sparsity
    accept "method gptq, sparsegpt sparsity $sparsity text" inspect out
done
accept '; 50\.0 % zeros$' "$models/tiny-neox-serial" -o out --type f16 --calibrate text --sparsity 0.5
rm out
for name in '' inspect export synthesize; do
    # shellcheck disable=SC2086
    accept '^example:  narae-convert' $name -h
done

# --- bad usage: exit 2 ---
good=$models/tiny-neox-parallel
refuse 2 'CHECKPOINT is missing'
refuse 2 '-o MODEL is missing' "$good"
refuse 2 'unknown option --layers' "$good" -o out --layers 3
refuse 2 'tokenizer needs a value: FILE' "$good" -o out --tokenizer
refuse 2 'tokenizer is empty' "$good" -o out --tokenizer=
refuse 2 'calibrate is empty' "$good" -o out --calibrate=
refuse 2 'sparsity needs --calibrate' "$good" -o out --sparsity 0.5
for sparsity in 1.0 0 -1 3:4 nan half ''; do
    refuse 2 "sparsity is '$sparsity', not a share between 0 and 1 such as 0.5, nor 2:4 nor 4:8" \
        "$good" -o out --calibrate text "--sparsity=$sparsity"
done
refuse 2 'calibrate without --sparsity is for --type q4' "$good" -o out --calibrate text --type q8
refuse 2 'calibrate and --tokenizer exclude each other' "$good" -o out --calibrate text --tokenizer "$good/tokenizer.json"
refuse 2 "type is 'q3', not one of q4, q8, f16, f32" "$good" -o out --type q3
refuse 2 'threads is .0., not a whole number from 1' "$good" -o out --threads 0
refuse 2 'type needs a value' "$good" -o out --type
refuse 2 "unexpected argument 'more'" "$good" more -o out
refuse 2 'MODEL is missing' inspect
refuse 2 'json takes no value' inspect --json=1 slim
refuse 2 '-o FOLDER is missing' export slim
refuse 2 "shape is 'none', not one of polyglot-ko-1.3b" synthesize --shape none -o out

# --- bad input: exit 1 ---
refuse 1 'none: cannot open: No such file' none -o out
refuse 1 'none: cannot open: No such file' inspect none
refuse 1 'none: cannot open: No such file' export none -o out
mkdir empty
refuse 1 'empty: no config.json: not a Hugging Face checkpoint folder' empty -o out
cp "$good/config.json" empty
refuse 1 'empty: no model.safetensors and no pytorch_model.bin' empty -o out
refuse 1 'none: cannot open: No such file' "$good" -o out --calibrate none
head -n 3 text >file
refuse 1 'file: has [0-9]* tokens; calibrating needs [0-9]*, 32 times' "$good" -o out --calibrate file
printf '\377' >>file
refuse 1 'file: line 4: not UTF-8' "$good" -o out --calibrate file
refuse 1 '\.weight: hardly anything of its outputs is left' "$good" -o out --calibrate text --sparsity 0.9999
printf 'text' >file
refuse 1 'file: safetensors header length is cut short' file -o out

# change NAME SED-SCRIPT FILE: a copy of a good checkpoint, called broken, with one file changed.
change() {
    rm -rf broken
    cp -r "$models/$1" broken
    chmod -R u+w broken
    LC_ALL=C sed "$2" "$models/$1/$3" >"broken/$3"
}
change tiny-neox-parallel '' model.safetensors
head -c 800000 "$good/model.safetensors" >broken/model.safetensors
refuse 1 'broken/model.safetensors: .*: its bytes lie beyond the end of the file' broken -o out
change tiny-neox-serial '' pytorch_model.bin
head -c 300000 "$models/tiny-neox-serial/pytorch_model.bin" >broken/pytorch_model.bin
refuse 1 'broken/pytorch_model.bin: zip: no end record' broken -o out
change tiny-neox-parallel '' config.json
mv broken/model.safetensors broken/model-00001-of-00002.safetensors
printf '{"weight_map":{"a":"model-00001-of-00002.safetensors","b":"model-00002-of-00002.safetensors"}}' \
    >broken/model.safetensors.index.json
refuse 1 'broken/model-00002-of-00002.safetensors: cannot open: No such file' broken -o out
change tiny-neox-parallel 's/"gpt_neox"/"llama"/' config.json
refuse 1 'broken/config.json: model_type "llama" is not supported' broken -o out
change tiny-neox-parallel 's/"intermediate_size": 256/"intermediate_size": 128/' config.json
refuse 1 'model.safetensors: gpt_neox.layers.0.mlp.dense_h_to_4h.weight: shape is \[256, 64\], not \[128, 64\]' \
    broken -o out
change tiny-neox-parallel 's/"num_hidden_layers": 3/"num_hidden_layers": 4/' config.json
refuse 1 'no tensor gpt_neox.layers.3.attention.query_key_value.weight' broken -o out
change tiny-neox-parallel 's/"dtype":"F32"/"dtype":"F99"/' model.safetensors
refuse 1 'broken/model.safetensors: .*: unknown dtype F99' broken -o out
change tiny-neox-serial 's/_rebuild_tensor_v2/exec_anything_here/' pytorch_model.bin
refuse 1 'broken/pytorch_model.bin: .*calls torch._utils.exec_anything_here, which no tensor needs' broken -o out
change tiny-neox-parallel 's/"type": *"BPE"/"type": "Unigram"/' tokenizer.json
refuse 1 'broken: tokenizer.json: .*Unigram' broken -o out
refuse 1 'broken/tokenizer.json: tokenizer.json: .*Unigram' "$good" -o out --tokenizer broken/tokenizer.json
refuse 1 'none.json: cannot open: No such file' "$good" -o out --tokenizer none.json
refuse 1 'slim: has no tokenizer, which a new one needs' slim -o out --tokenizer "$good/tokenizer.json"

# --- outputs that cannot be written ---
refuse 1 'nowhere/out: cannot write: No such file' "$good" -o nowhere/out
refuse 1 'empty: cannot write: is a folder' "$good" -o empty
refuse 1 'slim: .*is packed already' slim -o out
accept 'weights' "$good" -o dense --type f16
cp "$good/tokenizer.json" mine.json
refuse 1 'dense: cannot write: is a file of the checkpoint itself' dense -o dense
refuse 1 'mine.json: cannot write: is the new tokenizer itself' "$good" -o mine.json --tokenizer mine.json
refuse 1 'empty: cannot write: is there already, and not an empty folder' export slim -o empty
[ -e empty.part ] && complain 'export leaves empty.part behind'
(
    ulimit -f 100
    refuse 1 'out: cannot write: File too large' "$good" -o out --type f32
    refuse 1 'model.safetensors: cannot write: File too large' export slim -o out
    exit $bad
) || bad=1

# --- Ctrl-C: nothing half-written stays ---
"$command" synthesize --shape polyglot-ko-5.8b --type f32 -o out 2>stderr &
waited=0
while [ ! -e out.part ] && [ $waited -lt 200 ]; do
    sleep 0.05
    waited=$((waited + 1))
done
kill -TERM $!
wait $!
got=$?
[ $got -eq 130 ] || complain "a stopped command exits with $got: $(cat stderr)"
[ "$(cat stderr)" = 'narae-convert synthesize: cancelled' ] || complain "a stopped command says: $(cat stderr)"
[ -e out ] || [ -e out.part ] && complain 'a stopped command leaves a file behind'

finish
