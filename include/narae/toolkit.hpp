// SPDX-License-Identifier: MIT
// The toolkit: makes, shrinks, teaches and judges models. Running one needs only narae.hpp, which never reaches here.
//
//   corpus/  raw text to text worth training on
//   learn/   training: a tokenizer from text and treebanks; a model from text, exercises and instructions
//   quant/   weights to fewer bits, and the report of what that cost
//   judge/   how good a model is: KoBEST, perplexity, two models compared
#ifndef NARAE_TOOLKIT_HPP
#define NARAE_TOOLKIT_HPP

#include "narae/narae.hpp"

#include "narae/corpus/clean.hpp"
#include "narae/corpus/duplicates.hpp"
#include "narae/corpus/filter.hpp"
#include "narae/corpus/markup.hpp"
#include "narae/corpus/personal.hpp"
#include "narae/corpus/quality.hpp"
#include "narae/judge/kobest.hpp"
#include "narae/judge/perplexity.hpp"
#include "narae/judge/statistics.hpp"
#include "narae/judge/tsv.hpp"
#include "narae/kernel/gemm/avx2.hpp"
#include "narae/kernel/gemm/avx512.hpp"
#include "narae/kernel/gemm/avx512_bf16.hpp"
#include "narae/kernel/gemm/contract.hpp"
#include "narae/kernel/gemm/neon.hpp"
#include "narae/kernel/gemm/scalar.hpp"
#include "narae/kernel/gemm/select.hpp"
#include "narae/kernel/matmul.hpp"
#include "narae/kernel/teach/avx2.hpp"
#include "narae/kernel/teach/contract.hpp"
#include "narae/kernel/teach/scalar.hpp"
#include "narae/kernel/teach/table.hpp"
#include "narae/learn/attention.hpp"
#include "narae/learn/boundaries.hpp"
#include "narae/learn/bpe.hpp"
#include "narae/learn/common_syllables.hpp"
#include "narae/learn/curve.hpp"
#include "narae/learn/data.hpp"
#include "narae/learn/gold.hpp"
#include "narae/learn/instructions.hpp"
#include "narae/learn/network.hpp"
#include "narae/learn/parameters.hpp"
#include "narae/learn/tasks.hpp"
#include "narae/learn/tokenizer.hpp"
#include "narae/learn/trainer.hpp"
#include "narae/num/decimal.hpp"
#include "narae/num/pack.hpp"
#include "narae/num/random.hpp"
#include "narae/num/to_half.hpp"
#include "narae/quant/calibrate.hpp"
#include "narae/quant/convert.hpp"
#include "narae/quant/export.hpp"
#include "narae/quant/gptq.hpp"
#include "narae/quant/rows.hpp"
#include "narae/quant/synthesize.hpp"
#include "narae/quant/transplant.hpp"
#include "narae/store/config_json.hpp"
#include "narae/store/fnv.hpp"
#include "narae/store/safetensors_writer.hpp"
#include "narae/sys/file_sink.hpp"
#include "narae/sys/scratch.hpp"
#include "narae/text/lines.hpp"
#include "narae/text/romanised.hpp"
#include "narae/token/packed_writer.hpp"

#endif
