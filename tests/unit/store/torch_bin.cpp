// SPDX-License-Identifier: MIT
#include "narae/store/torch_bin.hpp"

#include "catch.hpp"
#include "store/build.hpp"

using namespace narae;
using namespace narae::store;
using namespace tests;

namespace {

const std::string six = floats({1, 2, 3, 4, 5, 6});

std::string zip_file(const std::vector<pickled>& tensors, std::vector<zip_entry> storages = {{"0", six}}) {
    return torch_zip(tensors, storages);
}

std::string refusal(const std::string& file, errc code) {
    const auto r = parse_torch_bin(as_bytes(file));
    if (r) return "";
    CAPTURE(r.error().message());
    CHECK(r.error().code == code);
    return r.error().message();
}

bool has(const std::string& message, const std::string& part) {
    UNSCOPED_INFO(message);
    return message.find(part) != message.npos;
}

const std::vector<pickled> three = {{"plain", "FloatStorage", "0", 6, 0, {2, 3}, {3, 1}},
                                    {"turned", "FloatStorage", "0", 6, 0, {3, 2}, {1, 3}},
                                    {"window", "FloatStorage", "0", 6, 4, {2}, {1}}};

void check_three(const std::vector<tensor>& t) {
    REQUIRE(t.size() == 3);
    CHECK(t[0].name == "plain");
    CHECK(t[0].contiguous());
    CHECK(element(t[0], {1, 0}) == 4);
    CHECK(t[1].name == "turned");
    CHECK_FALSE(t[1].contiguous());
    CHECK(element(t[1], {2, 1}) == 6);
    CHECK(element(t[1], {2, 0}) == 3);
    CHECK(t[1].bytes.size() == 24);
    CHECK(t[2].contiguous());
    CHECK(element(t[2], {0}) == 5);
    CHECK(t[2].bytes.size() == 8);
}

}  // namespace

TEST_CASE("store/torch_bin: zip files give plain, strided and windowed tensors") {
    const auto file = zip_file(three);
    const auto r = parse_torch_bin(as_bytes(file));
    if (!r) FAIL(r.error().message());
    check_three(*r);
}

TEST_CASE("store/torch_bin: legacy files give the same") {
    const auto file = torch_legacy(p_state_dict(three, true), {{"0", 6, six}});
    const auto r = parse_torch_bin(as_bytes(file));
    if (!r) FAIL(r.error().message());
    check_three(*r);
}

TEST_CASE("store/torch_bin: storage types become dtypes, scalars and empty tensors are tensors") {
    const std::pair<const char*, dtype> types[] = {{"FloatStorage", dtype::f32},     {"HalfStorage", dtype::f16},
                                                   {"BFloat16Storage", dtype::bf16}, {"DoubleStorage", dtype::f64},
                                                   {"LongStorage", dtype::i64},      {"IntStorage", dtype::i32},
                                                   {"ShortStorage", dtype::i16},     {"CharStorage", dtype::i8},
                                                   {"ByteStorage", dtype::u8},       {"BoolStorage", dtype::boolean}};
    for (const auto& [name, type] : types) {
        const auto file = zip_file({{"t", name, "0", 3, 1, {}, {}}, {"e", name, "0", 3, 9, {0, 5}, {5, 1}}});
        const auto r = parse_torch_bin(as_bytes(file));
        if (!r) FAIL(r.error().message());
        CHECK((*r)[0].type == type);
        CHECK((*r)[0].elements() == 1);
        CHECK((*r)[0].bytes.size() == dtype_size(type));
        CHECK((*r)[1].elements() == 0);
        CHECK((*r)[1].bytes.empty());
    }
}

TEST_CASE("store/torch_bin: a tensor cannot leave its storage or outgrow it") {
    const auto one = [](std::uint64_t stored, std::uint64_t offset, std::vector<std::uint64_t> shape,
                        std::vector<std::uint64_t> strides) {
        return zip_file({{"w", "FloatStorage", "0", stored, offset, std::move(shape), std::move(strides)}});
    };
    const auto huge = ~std::uint64_t{0};
    CHECK(refusal(one(6, 0, {6}, {1}), errc::bad_value).empty());
    CHECK(has(refusal(one(7, 0, {6}, {1}), errc::truncated), "w: storage net/data/0 is smaller"));
    CHECK(has(refusal(one(huge, 0, {6}, {1}), errc::truncated), "w: storage net/data/0 is smaller"));
    CHECK(has(refusal(one(5, 0, {6}, {1}), errc::bad_value), "w: has more elements than its storage"));
    CHECK(has(refusal(one(6, 0, {7}, {0}), errc::bad_value), "w: has more elements than its storage"));
    CHECK(has(refusal(one(6, 0, {huge, 2}, {0, 0}), errc::bad_value), "w: has more elements"));
    CHECK(has(refusal(one(6, 1, {6}, {1}), errc::bad_value), "w: its offset and strides leave its storage"));
    CHECK(has(refusal(one(6, 6, {}, {}), errc::bad_value), "leave its storage"));
    CHECK(has(refusal(one(6, huge, {2}, {1}), errc::bad_value), "leave its storage"));
    CHECK(has(refusal(one(6, 0, {2}, {6}), errc::bad_value), "leave its storage"));
    CHECK(has(refusal(one(6, 0, {3}, {huge}), errc::bad_value), "leave its storage"));
    CHECK(has(refusal(one(6, 0, {2, 3}, {2, 2}), errc::bad_value), "leave its storage"));
}

TEST_CASE("store/torch_bin: only a flat dict of tensors is read") {
    const auto with = [](const std::string& object) { return zip_bytes({{"n/data.pkl", p_pickle(object)}}); };
    CHECK(refusal(with("}"), errc::unsupported).empty());
    CHECK(has(refusal(with("]"), errc::unsupported), "not a dict of tensors"));
    CHECK(has(refusal(with("}(" + p_text("model") + "}u"), errc::unsupported), "model: a dict inside the dict"));
    CHECK(has(refusal(with("}(" + p_text("step") + p_int(3) + "u"), errc::unsupported), "step: not a tensor"));
    CHECK(has(refusal(with("}(NNu"), errc::unsupported), "not a name"));
    CHECK(has(refusal(with("}(" + p_text("") + "Nu"), errc::unsupported), "not a name"));
    CHECK(has(refusal(with("}(" + p_text("\xFF") + "Nu"), errc::bad_value), "not UTF-8"));
    CHECK(has(refusal(with("cos\nsystem\n"), errc::unsupported), "data.pkl: pickle: calls os.system"));
    const auto twice = three[0];
    CHECK(has(refusal(zip_file({twice, twice}), errc::bad_value), "plain: occurs twice"));
}

TEST_CASE("store/torch_bin: the archive must be a torch file of this byte order") {
    const auto object = p_pickle("}");
    CHECK(parse_torch_bin(as_bytes(zip_bytes({{"data.pkl", object}}))));
    CHECK(parse_torch_bin(as_bytes(zip_bytes({{"x/data.pkl", object}, {"x/code/data.pkl", "?"}}))));
    CHECK(has(refusal(zip_bytes({{"word/document.xml", ""}}), errc::unsupported), "not a torch file"));
    CHECK(has(refusal(zip_bytes({{"a/data.pkl", object}, {"b/data.pkl", object}}), errc::unsupported), "data.pkl"));
    CHECK(
        has(refusal(zip_bytes({{"a/data.pkl", object}, {"a/byteorder", "big"}}), errc::unsupported), "byte order big"));
    CHECK(has(refusal(zip_bytes({{"a/data.pkl", std::string((4 << 20) + 1, 'N')}}), errc::unsupported), "larger"));
    CHECK(has(refusal(zip_file(three, {}), errc::not_found), "plain: no storage net/data/0"));
    CHECK(has(refusal("", errc::truncated), "empty file"));
    CHECK(has(refusal("version https://example.org", errc::unsupported), "not a torch file"));
    CHECK(has(refusal("PK", errc::truncated), "zip"));
}

TEST_CASE("store/torch_bin: the parts of a legacy file are checked") {
    const auto dict = p_state_dict({{"w", "FloatStorage", "7", 6, 0, {6}, {1}}}, true);
    const auto good = torch_legacy(dict, {{"7", 6, six}});
    CHECK(refusal(good, errc::bad_value).empty());
    CHECK(refusal(good + "more", errc::bad_value).empty());  // what follows is another save's business
    CHECK(has(refusal(p_pickle("N"), errc::unsupported), "a pickle, but not a torch file"));
    CHECK(has(refusal(legacy_magic + p_pickle(p_int(1000)), errc::unsupported), "unknown protocol version"));
    CHECK(has(refusal(legacy_head(false), errc::unsupported), "little-endian"));
    CHECK(has(refusal(legacy_magic + p_pickle(p_int(1001)) + p_pickle("N"), errc::unsupported), "little-endian"));
    CHECK(has(refusal(legacy_head() + dict + p_pickle("N"), errc::bad_value), "no list of storages"));
    CHECK(has(refusal(torch_legacy(dict, {}), errc::not_found), "w: no storage 7"));
    CHECK(has(refusal(torch_legacy(dict, {{"8", 6, six}}), errc::bad_value), "does not match the dict"));
    CHECK(has(refusal(torch_legacy(dict, {{"7", 6, six}, {"7", 6, six}}), errc::bad_value), "does not match the dict"));
    CHECK(has(refusal(torch_legacy(dict, {{"7", 5, six}}), errc::bad_value), "storage 7: its length"));
    CHECK(has(refusal(torch_legacy(dict, {{"7", 6, six.substr(1)}}), errc::truncated),
              "storage 7: its data is cut short"));
    const auto huge = ~std::uint64_t{0};
    const auto endless = p_state_dict({{"w", "FloatStorage", "7", huge, 0, {6}, {1}}}, true);
    CHECK(has(refusal(torch_legacy(endless, {{"7", huge, six}}), errc::bad_value), "storage 7"));
    const auto two_types =
        p_state_dict({{"w", "FloatStorage", "7", 6, 0, {6}, {1}}, {"v", "IntStorage", "7", 6, 0, {6}, {1}}}, true);
    CHECK(has(refusal(torch_legacy(two_types, {{"7", 6, six}}), errc::bad_value), "storage 7: has two types"));
    CHECK(has(refusal(legacy_head() + p_pickle("cos\nsystem\n"), errc::unsupported), "calls os.system"));
}

TEST_CASE("store/torch_bin: every truncation is an error, no changed byte is a crash") {
    for (const auto& file : {zip_file(three), torch_legacy(p_state_dict(three, true), {{"0", 6, six}})}) {
        REQUIRE(parse_torch_bin(as_bytes(file)));
        shorten(file, [](std::size_t n, byte_view part) {
            if (parse_torch_bin(part)) FAIL("valid at " << n << " bytes");
        });
        std::size_t valid = 0;
        change(file, [&](std::size_t, byte_view changed) {
            const auto r = parse_torch_bin(changed);
            if (r) ++valid, touch(*r);
        });
        CHECK(valid >= 24 * 4);
    }
}
