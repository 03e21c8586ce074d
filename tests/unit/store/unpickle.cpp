// SPDX-License-Identifier: MIT
#include "narae/store/unpickle.hpp"

#include "catch.hpp"
#include "store/build.hpp"

using namespace narae;
using namespace narae::store;
using namespace tests;

namespace {

/// The failure's message for this pickle's body; "" if it is read.
std::string refusal(const std::string& body, errc code = errc::bad_value) {
    const auto bytes = p_pickle(body);
    unpickler p(as_bytes(bytes));
    const auto r = p.next();
    if (r) return "";
    CAPTURE(r.error().message());
    CHECK(r.error().code == code);
    return r.error().message();
}

/// The kind of the object that this pickle's body makes.
pickle_kind kind(const std::string& body) {
    const auto bytes = p_pickle(body);
    unpickler p(as_bytes(bytes));
    const auto r = p.next();
    if (!r) FAIL(r.error().message());
    return r->kind;
}

std::uint64_t whole(const std::string& body) {
    const auto bytes = p_pickle(body);
    unpickler p(as_bytes(bytes));
    const auto r = p.next();
    if (!r) FAIL(r.error().message());
    CHECK(r->kind == pickle_kind::whole);
    return r->number;
}

const std::string storage = p_storage("FloatStorage", "0", 4, false);
const std::string rebuild = "ctorch._utils\n_rebuild_tensor_v2\n";

}  // namespace

TEST_CASE("store/unpickle: plain objects") {
    CHECK(whole("K" + le(7, 1)) == 7);
    CHECK(whole("M" + le(700, 2)) == 700);
    CHECK(whole("J" + le(70000, 4)) == 70000);
    CHECK(whole("\x8A" + le(0, 1)) == 0);
    CHECK(whole("\x8A" + le(2, 1) + le(0x1234, 2)) == 0x1234);
    CHECK(whole("\x8A" + le(9, 1) + le(~std::uint64_t{0}, 8) + le(0, 1)) == ~std::uint64_t{0});
    CHECK(kind("J" + le(~std::uint64_t{0}, 4)) == pickle_kind::other);           // -1
    CHECK(kind("\x8A" + le(1, 1) + le(0xFF, 1)) == pickle_kind::other);          // -1
    CHECK(kind("\x8A" + le(9, 1) + le(0, 8) + le(1, 1)) == pickle_kind::other);  // 2^64
    CHECK(kind("G" + le(0, 8)) == pickle_kind::other);
    CHECK(kind("N") == pickle_kind::none);
    CHECK(kind("\x88") == pickle_kind::boolean);
    CHECK(kind("}") == pickle_kind::dict);
    CHECK(kind("]") == pickle_kind::list);
    CHECK(kind(")") == pickle_kind::tuple);
    CHECK(kind(p_ordered_dict()) == pickle_kind::dict);
    CHECK(kind("U" + le(1, 1) + "a") == pickle_kind::text);
    CHECK(kind("\x8C" + le(1, 1) + "a") == pickle_kind::text);
    CHECK(kind("T" + le(1, 4) + "a") == pickle_kind::text);
}

TEST_CASE("store/unpickle: tuples, dicts, lists, the memo and frames") {
    const std::string bytes = p_pickle("\x95" + le(99, 8) + "}\x94(" + p_text("a") + "q" + le(1, 1) + "K" + le(1, 1) +
                                       "K" + le(2, 1) + "\x86" + p_text("b") + "]K" + le(3, 1) + "a(K" + le(4, 1) +
                                       "K" + le(5, 1) + "euh" + le(1, 1) + "h" + le(0, 1) + "s");
    CAPTURE(bytes);
    unpickler p(as_bytes(bytes));
    // A dict cannot be a key's item here by accident: h1 h0 s puts {"a": the dict itself} into it.
    const auto r = p.next();
    REQUIRE(r);
    CHECK(p.at() == bytes.size());
    std::vector<pickle_value> keys, items;
    for (const auto& m : p.members(*r)) keys.push_back(m.key), items.push_back(m.item);
    REQUIRE(keys.size() == 3);
    CHECK(keys[0].text == "a");
    REQUIRE(items[0].kind == pickle_kind::tuple);
    CHECK(p.items(items[0])[1].number == 2);
    REQUIRE(items[1].kind == pickle_kind::list);
    std::vector<std::uint64_t> list;
    for (const auto& m : p.members(items[1])) list.push_back(m.item.number);
    CHECK(list == std::vector<std::uint64_t>{3, 4, 5});
    CHECK(items[2].kind == pickle_kind::dict);
}

TEST_CASE("store/unpickle: a tensor is a window of a storage") {
    for (const std::string tail : {"", "N"}) {
        const auto bytes = p_pickle(rebuild + "(" + storage + p_int(1) + p_ints({3}) + p_ints({1}) + "\x89" +
                                    p_ordered_dict() + tail + "tR");
        unpickler p(as_bytes(bytes));
        const auto r = p.next();
        REQUIRE(r);
        REQUIRE(r->kind == pickle_kind::tensor);
        const auto t = p.items(*r);  // storage, offset, shape, strides
        CHECK(t[1].number == 1);
        REQUIRE(p.items(t[2]).size() == 1);
        CHECK(p.items(t[2])[0].number == 3);
        CHECK(p.items(t[3])[0].number == 1);
        CHECK(p.storages()[static_cast<std::size_t>(t[0].number)].key == "0");
        CHECK(p.storages()[0].type == dtype::f32);
        CHECK(p.storages()[0].elements == 4);
    }
    const auto tensor = p_tensor({"", "HalfStorage", "k", 4, 0, {4}, {1}}, false);
    CHECK(kind("ctorch._utils\n_rebuild_parameter\n(" + tensor + "\x88" + p_ordered_dict() + "tR") ==
          pickle_kind::tensor);
    CHECK(kind("\x8C" + le(5, 1) + "torch\x8C" + le(15, 1) + "BFloat16Storage\x93") == pickle_kind::storage_type);
}

TEST_CASE("store/unpickle: what a pickle must not call is refused by name") {
    CHECK(refusal("cos\nsystem\n(" + p_text("ls") + "tR", errc::unsupported).find("calls os.system") !=
          std::string::npos);
    CHECK(refusal("cposix\nsystem\n", errc::unsupported).find("posix.system") != std::string::npos);
    CHECK(refusal("cbuiltins\neval\n", errc::unsupported).find("builtins.eval") != std::string::npos);
    CHECK(refusal("ctorch\nload\n", errc::unsupported).find("torch.load") != std::string::npos);
    CHECK(refusal("ctorch\nUntypedStorage\n", errc::unsupported).find("torch.UntypedStorage") != std::string::npos);
    CHECK(refusal("ccollections\nOrderedDict2\n", errc::unsupported).find("OrderedDict2") != std::string::npos);
    CHECK(refusal(p_text("os") + p_text("sys\ntem") + "\x93", errc::unsupported).find("os.sys?tem") !=
          std::string::npos);
}

TEST_CASE("store/unpickle: every opcode outside the list is refused by its number") {
    const std::string known =
        std::string("\x80\x95\x88\x89\x8A\x8C\x85\x86\x87\x94\x93") + "(NKMJGUTX)t}]suaeqrhjcRQb.";
    for (unsigned op = 0; op < 256; ++op) {
        if (known.find(static_cast<char>(op)) != known.npos) continue;
        constexpr char hex[] = "0123456789abcdef";
        const auto message = refusal(le(op, 1) + std::string(16, '\0'), errc::unsupported);
        CHECK(message.find(std::string("opcode 0x") + hex[op >> 4] + hex[op & 15] + " is not allowed") !=
              std::string::npos);
    }
    CHECK(refusal("\x80" + le(6, 1) + "N", errc::unsupported).find("protocol 6") != std::string::npos);
    CHECK(refusal("\x80" + le(1, 1) + "N", errc::unsupported).find("protocol 1") != std::string::npos);
}

TEST_CASE("store/unpickle: stack, marks and memo cannot be misused") {
    for (const std::string& body : std::vector<std::string>{std::string(""),
                                                            std::string("NN"),
                                                            std::string("(N"),
                                                            std::string("("),
                                                            std::string("t"),
                                                            std::string("\x85"),
                                                            "N(" + le(0x86, 1),
                                                            std::string("s"),
                                                            std::string("NNs"),
                                                            std::string("NNNs"),
                                                            "}(Nu",
                                                            std::string("u"),
                                                            std::string("a"),
                                                            std::string("]Nu"),
                                                            std::string("}Na"),
                                                            std::string("]e"),
                                                            "h" + le(0, 1),
                                                            "j" + le(0xFFFFFFFF, 4),
                                                            "q" + le(0, 1),
                                                            "Nr" + le(0xFFFFFFFF, 4),
                                                            "Nq" + le(2, 1),
                                                            std::string("N(R"),
                                                            std::string(")R"),
                                                            std::string("N)R"),
                                                            std::string("R"),
                                                            std::string("Q"),
                                                            std::string("NQ"),
                                                            std::string("b"),
                                                            std::string("N}b"),
                                                            std::string("}Nb"),
                                                            "\x93",
                                                            "N\x93",
                                                            "NN\x93",
                                                            "}N(s"}) {
        CAPTURE(body);
        CHECK_FALSE(refusal(body).empty());
    }
    CHECK(kind("}}b") == pickle_kind::dict);
    CHECK(kind("Nq" + le(1, 1)) == pickle_kind::none);  // Python 2 counts from 1
    CHECK(refusal("(NNt\x85\x85").empty());
    CHECK(refusal("cos", errc::truncated).find("cut short") != std::string::npos);
    CHECK(refusal("X" + le(0xFFFFFFFF, 4), errc::truncated).find("cut short") != std::string::npos);
}

TEST_CASE("store/unpickle: calls with the wrong things are refused") {
    const auto hooks = "\x89" + p_ordered_dict();
    for (const auto& args :
         {std::string(), storage, storage + p_int(0) + p_ints({4}) + p_ints({1}),
          "N" + p_int(0) + p_ints({4}) + p_ints({1}) + hooks, storage + "N" + p_ints({4}) + p_ints({1}) + hooks,
          storage + p_int(0) + "N" + p_ints({1}) + hooks, storage + p_int(0) + p_ints({4}) + p_ints({1, 1}) + hooks,
          storage + p_int(0) + "(Nt" + p_ints({1}) + hooks,
          storage + p_int(0) + p_ints({4}) + "(J" + le(0xFFFFFFFF, 4) + "t" + hooks,
          storage + p_int(0) + p_ints({4}) + p_ints({1}) + hooks + "NN"})
        CHECK_FALSE(refusal(rebuild + "(" + args + "tR").empty());
    const std::vector<std::uint64_t> many(17, 1);
    CHECK_FALSE(
        refusal(rebuild + "(" + storage + p_int(0) + p_ints(many) + p_ints(many) + hooks + "tR", errc::unsupported)
            .empty());
    CHECK_FALSE(refusal("ccollections\nOrderedDict\n(]tR", errc::unsupported).empty());
    CHECK_FALSE(refusal("ctorch._utils\n_rebuild_parameter\n(N\x89}tR").empty());
    CHECK_FALSE(refusal("ctorch._utils\n_rebuild_parameter\n(tR").empty());
    CHECK_FALSE(refusal(p_text("x") + ")R").empty());
}

TEST_CASE("store/unpickle: persistent objects are storages") {
    const std::string type = "ctorch\nFloatStorage\n";
    for (const auto& id :
         {std::string("(t"), "(" + p_text("module") + type + p_text("0") + p_text("cpu") + p_int(4) + "t",
          "(" + p_text("storage") + "N" + p_text("0") + p_text("cpu") + p_int(4) + "t",
          "(" + p_text("storage") + type + p_int(0) + p_text("cpu") + p_int(4) + "t",
          "(" + p_text("storage") + type + p_text("0") + p_text("cpu") + "Nt",
          "(" + p_text("storage") + type + p_text("0") + p_text("cpu") + p_int(4) + ")t",
          "(" + p_text("storage") + type + p_text(std::string(256, '1')) + p_text("cpu") + p_int(4) + "t"})
        CHECK_FALSE(refusal(id + "Q", errc::unsupported).empty());
    CHECK(kind(p_storage("FloatStorage", "0", 4, true)) == pickle_kind::storage);
}

TEST_CASE("store/unpickle: several pickles follow each other, each with its own memo") {
    const auto bytes = p_pickle("Nq" + le(0, 1)) + p_pickle("]") + p_pickle("h" + le(0, 1));
    unpickler p(as_bytes(bytes));
    CHECK(p.next());
    CHECK(p.next());
    CHECK_FALSE(p.next());
    unpickler empty{byte_view{}};
    CHECK(empty.next().error().code == errc::truncated);
}

TEST_CASE("store/unpickle: every truncation is an error, no changed byte is a crash") {
    const auto file =
        p_state_dict({{"a", "HalfStorage", "0", 6, 0, {2, 3}, {3, 1}}, {"b", "LongStorage", "1", 4, 1, {2}, {1}}});
    shorten(file, [](std::size_t n, byte_view part) {
        unpickler p(part);
        if (p.next()) FAIL("valid at " << n << " bytes");
    });
    change(file, [](std::size_t, byte_view changed) {
        unpickler p(changed);
        const auto r = p.next();
        std::size_t sum = 0;
        if (r)
            for (const auto& m : p.members(*r)) sum += m.key.text.size();
        CHECK(sum <= changed.size());
    });
}
