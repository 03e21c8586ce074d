// SPDX-License-Identifier: MIT
// Rows of a matrix on their way into a model file: read as floats, checked, put into a number format, written in order.
// A team works on tiles of 16 rows, a few MB at a time; the bytes and the figures do not depend on its size.
#ifndef NARAE_QUANT_ROWS_HPP
#define NARAE_QUANT_ROWS_HPP

#include "narae/base/callback.hpp"
#include "narae/base/config.hpp"
#ifndef NARAE_NO_FILES

#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "narae/model/weights.hpp"
#include "narae/num/pack.hpp"
#include "narae/store/safetensors_writer.hpp"
#include "narae/sys/team.hpp"

namespace narae::inline NARAE_ABI::quant {

/// Bytes done and bytes to do in all; false stops the work, which then leaves errc::cancelled and no file.
using progress = callback<std::uint64_t, std::uint64_t>;

/// What long work has got done so far.
struct progress_count {
    progress tell;
    std::uint64_t total = 0, done = 0;

    result<void> add(std::uint64_t bytes) {
        done += bytes;
        if (!tell(done, total)) return error{errc::cancelled, "cancelled"};
        return {};
    }
};

/// The tensor that holds an [N, K] matrix in this format: its name's end, its dtype and its shape.
inline store::tensor_plan plan_matrix(const model::matrix_name& m, model::format type) {
    using store::dtype;
    if (model::packed(type)) {
        const auto tiles = num::tiles_of(m.N);
        return {m.name + "." + std::string(model::format_name(type)),
                dtype::u8,
                {tiles, model::matrix_bytes(type, m.N, m.K) / tiles}};
    }
    return {m.name,
            type == model::format::f32   ? dtype::f32
            : type == model::format::f16 ? dtype::f16
                                         : dtype::bf16,
            {m.N, m.K}};
}

/// Puts rows[count][k], count <= 16, where a matrix of this format (f32, f16, q8 or q4) has them; in q4 by
/// scales[count][groups], if given.
inline void encode_tile(std::byte* out, model::format type, const float* rows, std::size_t count, std::size_t k,
                        const std::uint16_t* scales = nullptr) noexcept {
    switch (type) {
        case model::format::q4: return num::pack_tile_q4(out, rows, count, k, scales);
        case model::format::q8: return num::pack_tile_q8(out, rows, count, k);
        case model::format::f16:
            for (std::size_t i = 0; i < count * k; ++i) store_le(out + 2 * i, num::f32_to_f16(rows[i]));
            return;
        default:
            for (std::size_t i = 0; i < count * k; ++i) store_le(out + 4 * i, rows[i]);
    }
}

/// The index of the first of n weights that this format cannot hold, or n: formats with an f16 in them end at 65504.
/// Bits are compared, because some compiler flags promise that there are no infinities and NaNs.
inline std::size_t first_unfit(const float* w, std::size_t n, model::format type) noexcept {
    const std::uint32_t limit = type == model::format::f32 ? 0x7F7FFFFF : 0x477FE000;
    std::size_t i = 0;
    while (i < n && (std::bit_cast<std::uint32_t>(w[i]) & 0x7FFFFFFF) <= limit) ++i;
    return i;
}

inline error unfit(const std::string& place, float w, const std::string& index) {
    const bool finite = (std::bit_cast<std::uint32_t>(w) & 0x7FFFFFFF) < 0x7F800000;
    return {errc::bad_value, place + ": element [" + index + "] is " +
                                 (finite ? "larger than 65504, the largest that an f16 holds" : "not finite")};
}

/// Writes the tensors of a model file, one after the other, in the order planned. As with the writer below it, what
/// went wrong is told at the end, and nothing is done after it.
class model_writer {
public:
    static result<model_writer> create(const std::string& path, const std::vector<store::tensor_plan>& plan,
                                       const store::metadata_list& metadata, model::format type, std::size_t threads,
                                       progress_count& count) {
        auto team = sys::team::make(threads);
        if (!team) return team.error();
        auto file = store::safetensors_writer::create(path, plan, metadata);
        if (!file) return file.error();
        return model_writer(std::move(*file), std::move(*team), type, count);
    }

    /// The [N, K] matrix that plan_matrix() planned. read(row, floats[K]) is called once for each row, by several
    /// threads; done() by one, now and then. `place` names the matrix's source in errors.
    template <class Read, class Done>
    void matrix(const std::string& place, std::size_t N, std::size_t K, Read&& read, Done&& done) {
        if (!file) return;
        constexpr std::size_t batch_bytes = std::size_t{4} << 20;
        const auto tile_bytes = model::matrix_bytes(type_, num::tile_rows, K);
        const auto batch = (std::min)(num::tiles_of(N), (std::max)(batch_bytes / tile_bytes, team_->size()));
        const auto tile_floats = num::tile_rows * K;
        auto bytes = sys::buffer<std::byte>::make(batch * tile_bytes);
        auto floats = sys::buffer<float>::make(team_->size() * (tile_floats + K));
        if (!bytes || !floats) return file.fail((!bytes ? bytes.error() : floats.error()).in(place));
        std::vector<tile_figures> figures(batch);

        for (std::size_t from = 0; from < N && file; from += batch * num::tile_rows) {
            const auto to = (std::min)(N, from + batch * num::tile_rows);
            team_->run([&](std::size_t part, std::size_t parts) {
                float* const rows = floats->data() + part * (tile_floats + K);
                const auto mine = sys::slice_of(num::tiles_of(to - from), 1, part, parts);
                for (auto t = mine.begin; t < mine.end; ++t) {
                    const auto row = from + t * num::tile_rows, count = (std::min)(num::tile_rows, N - row);
                    for (std::size_t r = 0; r < count; ++r) read(row + r, rows + r * K);
                    figures[t] = encode(bytes->data() + t * tile_bytes, type_, rows, count, K, rows + tile_floats);
                }
            });
            for (std::size_t t = 0; t < num::tiles_of(to - from); ++t) {
                const auto& f = figures[t];
                if (f.unfit != nowhere)
                    return file.fail(unfit(place, f.unfit_weight,
                                           concat({from + t * num::tile_rows + f.unfit / K, ", ", f.unfit % K})));
                squares_ += f.squares;
                lost_ += f.lost;
            }
            const auto encoded =
                model::packed(type_) ? num::tiles_of(to - from) * tile_bytes : model::matrix_bytes(type_, to - from, K);
            file.append(bytes->span().first(encoded));
            done();
            if (const auto going = count_->add(encoded); !going) file.fail(going.error());
        }
    }

    /// A matrix that is encoded already, and what it lost: sum w^2, sum (w - w')^2.
    void encoded(byte_view bytes, double squares, double lost) {
        if (!file) return;
        squares_ += squares, lost_ += lost;
        file.append(bytes);
        if (const auto going = count_->add(bytes.size()); !going) file.fail(going.error());
    }

    /// A vector in f32, or in f16. read(i) is its element i.
    template <class Read> void vector(const std::string& place, std::size_t n, store::dtype type, Read&& read) {
        const auto as = type == store::dtype::f16 ? model::format::f16 : model::format::f32;
        std::vector<float> values(n);
        for (std::size_t i = 0; i < n; ++i) values[i] = read(i);
        if (const auto i = first_unfit(values.data(), n, as); i != n)
            return file.fail(unfit(place, values[i], std::to_string(i)));
        std::vector<std::byte> bytes(model::matrix_bytes(as, 1, n));
        encode_tile(bytes.data(), as, values.data(), 1, n);
        file.append(bytes);
    }

    /// sqrt(sum (w - w')^2 / sum w^2) over all matrices so far: what the number format lost.
    double weight_error() const noexcept { return squares_ > 0 ? std::sqrt(lost_ / squares_) : 0; }

    store::safetensors_writer file;

private:
    struct tile_figures {
        double squares = 0, lost = 0;
        std::uint64_t unfit = nowhere;
        float unfit_weight = 0;
    };

    model_writer(store::safetensors_writer f, std::unique_ptr<sys::team> team, model::format type,
                 progress_count& count)
        : file(std::move(f)), team_(std::move(team)), type_(type), count_(&count) {}

    static tile_figures encode(std::byte* out, model::format type, const float* rows, std::size_t count, std::size_t K,
                               float* back) noexcept {
        if (const auto i = first_unfit(rows, count * K, type); i != count * K) return {0, 0, i, rows[i]};
        encode_tile(out, type, rows, count, K);
        tile_figures f;
        for (std::size_t r = 0; r < count; ++r) {
            model::copy_row(back, {type, count, K, out}, r);
            for (std::size_t i = 0; i < K; ++i) {
                const double w = rows[r * K + i], difference = w - back[i];
                f.squares += w * w;
                f.lost += difference * difference;
            }
        }
        return f;
    }

    std::unique_ptr<sys::team> team_;
    model::format type_;
    progress_count* count_;
    double squares_ = 0, lost_ = 0;
};

}  // namespace narae::inline NARAE_ABI::quant

#endif  // NARAE_NO_FILES
#endif
