// SPDX-License-Identifier: MIT
// The toolkit: makes, shrinks, teaches and judges models. Running one needs only narae.hpp, which never reaches here.
//
//   quant/   weights to fewer bits, and the report of what that cost
//   corpus/  raw text to text worth training on
//   learn/   what is trained: so far the tokenizer
#ifndef NARAE_TOOLKIT_HPP
#define NARAE_TOOLKIT_HPP

#include "narae/narae.hpp"

#include "narae/corpus/clean.hpp"
#include "narae/corpus/duplicates.hpp"
#include "narae/corpus/filter.hpp"
#include "narae/corpus/markup.hpp"
#include "narae/corpus/personal.hpp"
#include "narae/corpus/quality.hpp"
#include "narae/learn/boundaries.hpp"
#include "narae/learn/bpe.hpp"
#include "narae/learn/common_syllables.hpp"
#include "narae/learn/gold.hpp"
#include "narae/learn/tokenizer.hpp"
#include "narae/num/to_half.hpp"
#include "narae/quant/convert.hpp"
#include "narae/quant/export.hpp"
#include "narae/quant/rows.hpp"
#include "narae/quant/rtn.hpp"
#include "narae/quant/synthesize.hpp"
#include "narae/quant/transplant.hpp"
#include "narae/store/config_json.hpp"
#include "narae/store/safetensors_writer.hpp"
#include "narae/sys/file_sink.hpp"
#include "narae/token/packed_writer.hpp"

#endif
