// SPDX-License-Identifier: MIT
// narae: runs a Korean language model (GPT-NeoX) from plain C++20 headers. This file brings all that running needs;
// toolkit.hpp brings what making a model needs.
//
// The house, from the ground up. A room may use the rooms below it, as tests/rules/arrows.txt says, never one above.
//
//   base/    words every room uses: config (all macros), result<T>, callback, bounded bytes, version
//   sys/     the machine: which CPU, files mapped or read, aligned memory, a team of threads
//   num/     number formats and their packing: half, q4, q8
//   text/    Unicode and JSON, with no idea of a model
//   token/   text <-> ids: a checkpoint's tokenizer, executed exactly, and narae's own, which knows morphemes
//   kernel/  the hot loops: a folder per operation, its contract, its scalar definition, its fast versions
//   store/   files: safetensors, torch files, a checkpoint folder
//   model/   the network: shape, weights, cache, block, forward
//   gen/     talking: open a model, sample, a session
//
// To read it as a book: this map -> model/shape.hpp -> model/forward.hpp -> model/block.hpp ->
// kernel/gemm_packed/contract.hpp -> its scalar.hpp -> token/tokenizer.hpp -> examples/01_hello.cpp.
#ifndef NARAE_NARAE_HPP
#define NARAE_NARAE_HPP

#include "narae/base/bytes.hpp"
#include "narae/base/callback.hpp"
#include "narae/base/config.hpp"
#include "narae/base/result.hpp"
#include "narae/base/sorted.hpp"
#include "narae/base/version.hpp"
#include "narae/sys/buffer.hpp"
#include "narae/sys/cpu.hpp"
#include "narae/sys/file_view.hpp"
#include "narae/sys/team.hpp"
#include "narae/num/half.hpp"
#include "narae/num/math.hpp"
#include "narae/num/q4.hpp"
#include "narae/num/q8.hpp"
#include "narae/text/unicode_tables.hpp"
#include "narae/text/hangul.hpp"
#include "narae/text/json.hpp"
#include "narae/text/normalize.hpp"
#include "narae/text/unicode.hpp"
#include "narae/text/utf8.hpp"
#include "narae/token/added.hpp"
#include "narae/token/bpe.hpp"
#include "narae/token/encoder.hpp"
#include "narae/token/morph.hpp"
#include "narae/token/packed.hpp"
#include "narae/token/pretoken.hpp"
#include "narae/token/segment.hpp"
#include "narae/token/tokenizer.hpp"
#include "narae/token/tokenizer_json.hpp"
#include "narae/token/vocab.hpp"
#include "narae/kernel/attend/contract.hpp"
#include "narae/kernel/gemv_dense/contract.hpp"
#include "narae/kernel/gemm_packed/contract.hpp"
#include "narae/kernel/rows/contract.hpp"
#include "narae/kernel/attend/scalar.hpp"
#include "narae/kernel/gemv_dense/scalar.hpp"
#include "narae/kernel/gemm_packed/scalar.hpp"
#include "narae/kernel/rows/scalar.hpp"
#include "narae/kernel/table.hpp"
#include "narae/kernel/isa/avx2_math.hpp"
#include "narae/kernel/attend/avx2.hpp"
#include "narae/kernel/gemv_dense/avx2.hpp"
#include "narae/kernel/gemm_packed/avx2.hpp"
#include "narae/kernel/gemm_packed/avx_vnni.hpp"
#include "narae/kernel/rows/avx2.hpp"
#include "narae/kernel/isa/avx2.hpp"
#include "narae/kernel/isa/avx512_math.hpp"
#include "narae/kernel/gemm_packed/avx512.hpp"
#include "narae/kernel/attend/avx512.hpp"
#include "narae/kernel/rows/avx512.hpp"
#include "narae/kernel/isa/avx512.hpp"
#include "narae/kernel/isa/neon_math.hpp"
#include "narae/kernel/attend/neon.hpp"
#include "narae/kernel/gemv_dense/neon.hpp"
#include "narae/kernel/gemm_packed/neon.hpp"
#include "narae/kernel/gemm_packed/neon_dot.hpp"
#include "narae/kernel/rows/neon.hpp"
#include "narae/kernel/isa/neon.hpp"
#include "narae/kernel/select.hpp"
#include "narae/store/checkpoint.hpp"
#include "narae/store/config.hpp"
#include "narae/store/format.hpp"
#include "narae/store/safetensors.hpp"
#include "narae/store/tensor.hpp"
#include "narae/store/torch_bin.hpp"
#include "narae/store/unpickle.hpp"
#include "narae/store/zip.hpp"
#include "narae/model/block.hpp"
#include "narae/model/cache.hpp"
#include "narae/model/forward.hpp"
#include "narae/model/matrix.hpp"
#include "narae/model/shape.hpp"
#include "narae/model/weights.hpp"
#include "narae/model/workspace.hpp"
#include "narae/gen/open.hpp"
#include "narae/gen/sampler.hpp"
#include "narae/gen/session.hpp"
#include "narae/gen/speculate.hpp"
#include "narae/gen/stop.hpp"

#endif
