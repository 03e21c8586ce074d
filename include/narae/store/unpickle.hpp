// SPDX-License-Identifier: MIT
// Python's pickle, restricted to what torch.save writes for a dict of tensors: it calls nothing and builds tensors
// only. Every other opcode and every other class is refused by name. No recursion; memory grows with the input.
// Opcodes: Lib/pickletools.py of CPython.
#ifndef NARAE_STORE_UNPICKLE_HPP
#define NARAE_STORE_UNPICKLE_HPP

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "narae/base/bytes.hpp"
#include "narae/store/tensor.hpp"

namespace narae::inline NARAE_ABI::store {

/// whole: an integer from 0 to 2^64 - 1; other: another number, kept as its bytes; callee: one of three functions.
enum class pickle_kind { none, boolean, whole, other, text, tuple, list, dict, callee, storage_type, storage, tensor };

struct pickle_value {
    pickle_kind kind = pickle_kind::none;
    std::uint32_t count = 0;   ///< items of a tuple or tensor
    std::uint64_t number = 0;  ///< an integer or truth; of a storage_type its dtype; else an index
    std::string_view text;     ///< into the pickle; of a callee its name
};

/// A storage as the pickle refers to it; its bytes lie elsewhere in the file, under this key.
struct pickle_storage {
    dtype type;
    std::string_view key;
    std::uint64_t elements;
};

/// What a container holds: in a dict a key and its item, in a list an item, as both.
struct pickle_member {
    std::uint64_t container;
    pickle_value key, item;
};

class unpickler {
public:
    /// State dicts take kilobytes; a pickle may be this long, in bytes.
    static constexpr std::size_t longest = std::size_t{4} << 20;
    static constexpr std::size_t max_dimensions = 16;
    static constexpr std::size_t longest_key = 255;  ///< bytes of a storage's key, which is a number in text

    /// Reads pickles from `bytes`, which must outlive every value.
    explicit unpickler(byte_view bytes) : in_(bytes.first((std::min)(bytes.size(), longest))) {}

    /// The next pickle's object. What earlier pickles built stays valid.
    result<pickle_value> next() {
        stack_.clear(), marks_.clear(), memo_.clear();
        while (true) {
            op_at_ = in_.at();
            const auto op = static_cast<unsigned char>(number(1));
            if (op == '.') break;
            step(op);
            if (!in_) return in_.error();
        }
        if (stack_.size() != 1 || !marks_.empty())
            return error{errc::bad_value, "pickle: does not end with one object", op_at_};
        return stack_.back();
    }

    /// Where the next pickle, or what follows the last one, begins.
    std::uint64_t at() const noexcept { return in_.at(); }

    const std::vector<pickle_storage>& storages() const noexcept { return storages_; }
    /// The items of a tuple; of a tensor, which is a strided window, its storage, offset, shape and strides in
    /// elements.
    std::span<const pickle_value> items(const pickle_value& tuple) const noexcept {
        return std::span(tuple_items_).subspan(static_cast<std::size_t>(tuple.number), tuple.count);
    }

    /// What a dict or list holds, in order.
    std::vector<pickle_member> members(const pickle_value& container) const {
        std::vector<pickle_member> all;
        for (const auto& m : members_)
            if (m.container == container.number) all.push_back(m);
        return all;
    }

private:
    using kind = pickle_kind;
    static constexpr std::string_view ordered_dict = "collections.OrderedDict",
                                      rebuild_tensor = "torch._utils._rebuild_tensor_v2",
                                      rebuild_parameter = "torch._utils._rebuild_parameter";

    // The first failure is kept by in_, and ends next(). Until the end of its step what fails gives nothing, or zero.
    void fail(errc code, std::string_view why) { in_.fail({code, {"pickle: ", why}, op_at_}); }
    void malformed() { fail(errc::bad_value, "malformed"); }

    std::string_view take(std::uint64_t n) { return as_text(in_.take(n, "pickle")); }

    /// A little-endian unsigned number of at most 8 bytes.
    static std::uint64_t little(std::string_view bytes) noexcept {
        std::uint64_t value = 0;
        for (auto i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
        return value;
    }
    std::uint64_t number(std::size_t n) { return little(take(n)); }

    void push(kind k, std::uint64_t n = 0, std::string_view text = {}, std::uint32_t count = 0) {
        stack_.push_back({k, count, n, text});
    }
    void push_signed(std::string_view bytes) {  // in two's complement
        const bool large = bytes.find_first_not_of('\0', 8) != bytes.npos;
        const bool negative = !bytes.empty() && (bytes.back() & 0x80) != 0;
        large || negative ? push(kind::other, 0, bytes) : push(kind::whole, little(bytes.substr(0, 8)));
    }

    /// Objects on the stack above the last mark.
    std::size_t above() const noexcept { return stack_.size() - (marks_.empty() ? 0 : marks_.back()); }

    bool top_is(kind k, std::size_t below = 0) const noexcept {
        return above() > below && stack_[stack_.size() - 1 - below].kind == k;
    }
    pickle_value pop(kind k) {
        if (!top_is(k)) return malformed(), pickle_value{};
        const auto top = stack_.back();
        stack_.pop_back();
        return top;
    }
    /// How many objects stood above the last mark, which goes.
    std::size_t pop_mark() {
        const auto n = above();
        marks_.empty() ? malformed() : marks_.pop_back();
        return n;
    }

    /// The last n objects become one tuple.
    void tuple(std::size_t n) {
        if (above() < n || n > 0xFFFFFFFF) return malformed();
        const auto first = tuple_items_.size();
        tuple_items_.insert(tuple_items_.end(), stack_.end() - static_cast<std::ptrdiff_t>(n), stack_.end());
        stack_.resize(stack_.size() - n);
        return push(kind::tuple, first, {}, static_cast<std::uint32_t>(n));
    }

    /// The last n objects go into the container below them: pairs into a dict, single ones into a list.
    void put(std::size_t n, kind k) {
        const std::size_t each = k == kind::dict ? 2 : 1;
        if (n % each != 0 || !top_is(k, n)) return malformed();
        const auto first = stack_.size() - n;
        for (auto i = first; i < stack_.size(); i += each)
            members_.push_back({stack_[first - 1].number, stack_[i], stack_[i + each - 1]});
        stack_.resize(first);
    }

    void memo_put(std::uint64_t i) {
        // Picklers number objects in turn, from 0 or (Python 2) from 1: a memo cannot grow by leaps.
        if (above() == 0 || i > memo_.size() + 1) return malformed();
        if (i >= memo_.size()) memo_.resize(static_cast<std::size_t>(i) + 1);
        memo_[static_cast<std::size_t>(i)] = stack_.back();
    }
    void memo_get(std::uint64_t i) {
        if (i >= memo_.size()) return malformed();
        stack_.push_back(memo_[static_cast<std::size_t>(i)]);
    }

    std::string_view line() {
        const auto rest = as_text(cursor(in_).take(in_.left(), "pickle"));
        const auto text = take((std::min)(rest.find('\n'), rest.size()));
        take(1);
        return text;
    }

    /// Pushes what module.name stands for, if it is one of the few things a tensor needs.
    void global(std::string_view module, std::string_view name) {
        constexpr struct {
            std::string_view name;
            dtype type;
        } types[] = {{"torch.FloatStorage", dtype::f32},     {"torch.HalfStorage", dtype::f16},
                     {"torch.BFloat16Storage", dtype::bf16}, {"torch.DoubleStorage", dtype::f64},
                     {"torch.LongStorage", dtype::i64},      {"torch.IntStorage", dtype::i32},
                     {"torch.ShortStorage", dtype::i16},     {"torch.CharStorage", dtype::i8},
                     {"torch.ByteStorage", dtype::u8},       {"torch.BoolStorage", dtype::boolean}};
        const auto wanted = concat({module, ".", name});
        for (const auto callee : {ordered_dict, rebuild_tensor, rebuild_parameter})
            if (callee == wanted) return push(kind::callee, 0, callee);
        for (const auto& t : types)
            if (t.name == wanted) return push(kind::storage_type, static_cast<std::uint64_t>(t.type));
        fail(errc::unsupported, concat({"calls ", printable(wanted), ", which no tensor needs"}));
    }

    /// Are there from `least` to `most` objects, the first ones of these kinds?
    static bool are(std::span<const pickle_value> list, std::size_t least, std::size_t most,
                    std::initializer_list<kind> kinds) noexcept {
        return list.size() >= least && list.size() <= most &&
               std::equal(kinds.begin(), kinds.end(), list.begin(), [](kind k, const auto& v) { return v.kind == k; });
    }

    /// callee(*args): the three functions that a state dict needs, done here.
    void reduce() {
        auto args = pop(kind::tuple);
        const auto list = items(args);
        const auto callee = pop(kind::callee).text;
        if (!in_) return;
        if (callee == ordered_dict)
            return list.empty() ? push(kind::dict, containers_++)
                                : fail(errc::unsupported, "an OrderedDict made from a list");
        if (callee == rebuild_parameter)
            return are(list, 3, 3, {kind::tensor}) ? stack_.push_back(list[0]) : malformed();
        // storage, offset, shape, strides, requires_grad, hooks, and in newer files metadata
        if (!are(list, 6, 7, {kind::storage, kind::whole, kind::tuple, kind::tuple}) || list[2].count != list[3].count)
            return fail(errc::bad_value, "a tensor is built from the wrong things");
        if (list[2].count > max_dimensions) return fail(errc::unsupported, "a tensor of more than 16 dimensions");
        for (const auto& numbers : {items(list[2]), items(list[3])})
            for (const auto& n : numbers)
                if (n.kind != kind::whole)
                    return fail(errc::bad_value, "a tensor's shape or strides are not whole numbers");
        args.kind = kind::tensor;
        stack_.push_back(args);
    }

    /// ("storage", type, key, device, elements), and in legacy files a view, which must be None.
    void persistent() {
        const auto list = items(pop(kind::tuple));
        if (!are(list, 5, 6, {kind::text, kind::storage_type, kind::text, kind::text, kind::whole}) ||
            list[0].text != "storage" || list[2].text.size() > longest_key)
            return fail(errc::unsupported, "a persistent object that is no storage");
        if (list.size() == 6 && list[5].kind != kind::none)
            return fail(errc::unsupported, "a storage that is a view of another storage");
        storages_.push_back({static_cast<dtype>(list[1].number), list[2].text, list[4].number});
        push(kind::storage, storages_.size() - 1);
    }

    void step(unsigned char op) {
        std::string_view first;
        switch (op) {
            case 0x80:  // PROTO
                if (const auto n = number(1); n < 2 || n > 5) fail(errc::unsupported, concat({"protocol ", n}));
                return;
            case 0x95: return void(number(8));                 // FRAME: only says how much to read ahead
            case '(': return marks_.push_back(stack_.size());  // MARK
            case 'N': return push(kind::none);
            case 0x88: return push(kind::boolean, 1);
            case 0x89: return push(kind::boolean, 0);
            case 'K': return push(kind::whole, number(1));
            case 'M': return push(kind::whole, number(2));
            case 'J': return push_signed(take(4));
            case 0x8A: return push_signed(take(number(1)));          // LONG1
            case 'G': return push(kind::other, 0, take(8));          // BINFLOAT
            case 'U':                                                // SHORT_BINSTRING
            case 0x8C: return push(kind::text, 0, take(number(1)));  // SHORT_BINUNICODE
            case 'T':                                                // BINSTRING
            case 'X': return push(kind::text, 0, take(number(4)));   // BINUNICODE
            case ')': return tuple(0);
            case 0x85: return tuple(1);
            case 0x86: return tuple(2);
            case 0x87: return tuple(3);
            case 't': return tuple(pop_mark());
            case '}': return push(kind::dict, containers_++);
            case ']': return push(kind::list, containers_++);
            case 's': return put(2, kind::dict);  // SETITEM
            case 'u': return put(pop_mark(), kind::dict);
            case 'a': return put(1, kind::list);  // APPEND
            case 'e': return put(pop_mark(), kind::list);
            case 'q': return memo_put(number(1));
            case 'r': return memo_put(number(4));
            case 0x94: return memo_put(memo_.size());  // MEMOIZE
            case 'h': return memo_get(number(1));
            case 'j': return memo_get(number(4));
            case 'c': first = line(); return global(first, line());
            case 0x93:  // STACK_GLOBAL
                first = pop(kind::text).text;
                return global(pop(kind::text).text, first);
            case 'R': return reduce();
            case 'Q': return persistent();
            case 'b':  // BUILD: attributes of a dict, such as _metadata; no tensor is among them
                pop(kind::dict);
                if (!top_is(kind::dict)) malformed();
                return;
            default: {
                constexpr std::string_view hex = "0123456789abcdef";
                return fail(errc::unsupported,
                            concat({"opcode 0x", hex.substr(op >> 4, 1), hex.substr(op & 15, 1), " is not allowed"}));
            }
        }
    }

    cursor in_;
    std::uint64_t op_at_ = 0;
    std::vector<pickle_value> stack_, memo_;
    std::vector<std::size_t> marks_;  // stack heights
    std::vector<pickle_value> tuple_items_;
    std::vector<pickle_member> members_;
    std::uint64_t containers_ = 0;  // dicts and lists so far; each one's number is its index
    std::vector<pickle_storage> storages_;
};

}  // namespace narae::inline NARAE_ABI::store

#endif
