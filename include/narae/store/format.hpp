// SPDX-License-Identifier: MIT
// The narae model file, version 1: the specification and its constants. Read safetensors.hpp before.
#ifndef NARAE_STORE_FORMAT_HPP
#define NARAE_STORE_FORMAT_HPP

#include <string_view>

#include "narae/base/config.hpp"

namespace narae::inline NARAE_ABI::store {

// A narae model file IS a safetensors file, or several with a *.safetensors.index.json: any tool lists it. It adds:
//
// Metadata (all values are strings; config, history and source hold JSON):
//   narae.version  "1"
//   narae.config   the text of config.json, with "num_key_value_heads" where it is not num_attention_heads
//   narae.history  an array, one object per conversion step, oldest first: what was done and what it cost
//   narae.source   an array, one object per source file: "name", "size" (bytes), "fnv1a64" (16 hex digits)
// Of a file in shards, the first shard carries the metadata.
//
// Tensors bear their Hugging Face names ("gpt_neox.layers.0.attention.dense.weight", ...). A packed matrix is a U8
// tensor of shape [tiles, tile bytes] whose name has the number format as its last part:
//   "<name>.q4", "<name>.q8"   tiles as num/q4.hpp and num/q8.hpp lay them out
// Its rows and columns follow from the config. The tensor narae.tokenizer (U8) holds tokenizer.json as token/packed.hpp
// packs it; in old files, its text.
//
// Data begin on a 64-byte boundary: the header is padded with spaces. Packed tensors are multiples of 64 bytes and
// stand first, so each begins on such a boundary, too; tensors of other sizes stand last.

inline constexpr std::string_view narae_version_key = "narae.version";
inline constexpr std::string_view narae_version = "1";
inline constexpr std::string_view narae_config_key = "narae.config";
inline constexpr std::string_view narae_history_key = "narae.history";
inline constexpr std::string_view narae_source_key = "narae.source";
inline constexpr std::string_view narae_tokenizer = "narae.tokenizer";
inline constexpr std::string_view q4_suffix = ".q4";
inline constexpr std::string_view q8_suffix = ".q8";

}  // namespace narae::inline NARAE_ABI::store

#endif
