// SPDX-License-Identifier: MIT
#include "narae/learn/gold.hpp"

#include "catch.hpp"
#include "sys/scratch.hpp"

using namespace narae;
using learn::gold_word;
using learn::onset;
using learn::onset_of;

namespace {

/// The word with a letter at each gap where something begins: J particle, E ending, C chain, I copula, S affix, O
/// other.
std::string shown(const gold_word& w) {
    constexpr std::string_view letters = "-JECISO?";
    std::string out;
    CHECK(w.form.size() == w.begins.size());
    for (std::size_t i = 0; i < w.form.size(); ++i) {
        if (w.begins[i] != onset::nothing) out += letters[static_cast<std::size_t>(w.begins[i])];
        text::utf8_append(out, w.form[i]);
    }
    return out;
}

std::string shown(const std::string& file) {
    const auto words = learn::read_gold(as_bytes(file));
    if (!words) return words.error().message();
    std::string out;
    for (const auto& w : *words) out += (out.empty() ? "" : " ") + shown(w);
    return out;
}

/// One line of three columns.
std::string word(const std::string& form, const std::string& morphemes, const std::string& tags) {
    return shown(form + "\t" + morphemes + "\t" + tags);
}

/// One line of CoNLL-U; what learning does not look at is "_".
std::string row(const std::string& id, const std::string& form, const std::string& lemma, const std::string& xpos,
                const std::string& misc = "_") {
    return id + "\t" + form + "\t" + lemma + "\tNOUN\t" + xpos + "\t_\t0\troot\t_\t" + misc + "\n";
}

}  // namespace

TEST_CASE("learn/gold: tags of KAIST and of Sejong") {
    for (const char* t : {"jcs", "jcc", "jcm", "jco", "jca", "jcv", "jcr", "jct", "jcj", "jxc", "jxf",
                          "jxt", "JKS", "JKC", "JKG", "JKO", "JKB", "JKV", "JKQ", "JX",  "JC"})
        CHECK(onset_of(t) == onset::particle);
    for (const char* t : {"ecc", "ecs", "ecx", "ef", "ep", "etm", "etn", "EP", "EF", "EC", "ETN", "ETM"})
        CHECK(onset_of(t) == onset::ending);
    for (const char* t : {"jp", "VCP"}) CHECK(onset_of(t) == onset::copula);
    for (const char* t : {"xsn", "xsnu", "xsncc", "XSN"}) CHECK(onset_of(t) == onset::affix);
    for (const char* t : {"xsv", "xsvv", "xsm", "xsmn", "xsa", "XSV", "XSA",  "XPN", "xp", "XR", "VCN", "ncn",
                          "nq",  "pvg",  "paa", "px",   "mag", "NNG", "NNP",  "NNB", "VV", "VA", "VX",  "MAG",
                          "SF",  "sf",   "SN",  "",     "J",   "E",   "JAVA", "ETC", "_",  "1"})
        CHECK(onset_of(t) == onset::other);
}

TEST_CASE("learn/gold: morphemes that are spelled as they are") {
    CHECK(word("고향은", "고향+은", "ncn+jxt") == "고향J은");
    CHECK(word("서울에서는", "서울+에서+는", "NNP+JKB+JX") == "서울J에서J는");
    CHECK(word("먹었다", "먹+었+다", "VV+EP+EF") == "먹E었C다");
    CHECK(word("먹기만", "먹+기+만", "pvg+etn+jxc") == "먹E기J만");
    CHECK(word("학생들이다", "학생+들+이+다", "ncn+xsn+jp+ef") == "학생S들I이E다");
    CHECK(word("공부하고", "공부+하+고", "NNG+XSV+EC") == "공부O하E고");
    CHECK(word("벚꽃길", "벚꽃+길", "NNG+NNG") == "벚꽃O길");
    CHECK(word("하늘", "하늘", "NNG") == "하늘");
    CHECK(word("3월에", "3+월+에", "SN+NNB+JKB") == "3O월J에");
}

TEST_CASE("learn/gold: contracted spelling hides some gaps and shows others") {
    CHECK(word("갔다", "가+았+다", "VV+EP+EF") == "갔C다");
    CHECK(word("돌아갔다", "돌아가+았+다", "VV+EP+EF") == "돌아갔C다");
    CHECK(word("서울입니다", "서울+이+ㅂ니다", "nq+jp+ef") == "서울I입?니다");
    CHECK(word("한다", "하+ㄴ다", "pvg+ef") == "한?다");
    CHECK(word("공부합니다", "공부+하+ㅂ니다", "ncpa+xsv+ef") == "공부O합?니다");
    CHECK(word("가까운", "가깝+ㄴ", "VA+ETM") == "가까?운");
    CHECK(word("도와서", "돕+아서", "VV+EC") == "도?와?서");
    CHECK(word("큰", "크+ㄴ", "VA+ETM") == "큰");
    CHECK(word("봐", "보+아", "VV+EF") == "봐");
    CHECK(word("할머니께서도", "할머니+께서+도", "NNG+JKS+JX") == "할머니J께서J도");
    CHECK(word("나라였던", "나라+이+었+던", "NNG+VCP+EP+ETM") == "나라I였C던");
    // All letters that stand alone are finals: the seven that a syllable may end in, and twins.
    CHECK(word("갈게", "가+ㄹ게", "VV+EF") == "갈?게");
    CHECK(word("낢", "나+ㄻ", "VV+ETN") == "낢");
    CHECK(word("좋음", "좋+음", "VA+ETN") == "좋E음");
}

TEST_CASE("learn/gold: letters of words and of cited endings") {
    const std::u32string finals = U"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ";
    REQUIRE(finals.size() == 27);
    for (std::size_t i = 0; i < finals.size(); ++i)
        CHECK(learn::detail::letters_of(finals.substr(i, 1)) ==
              std::u32string(1, text::no_final + 1 + static_cast<char32_t>(i)));
    CHECK(learn::detail::letters_of(U"ㄸㅃㅉㅏa") == U"ㄸㅃㅉㅏa");
    CHECK(learn::detail::letters_of(U"각가") == std::u32string{0x1100, 0x1161, 0x11A8, 0x1100, 0x1161});
}

TEST_CASE("learn/gold: an analysis that does not fit its word says nothing") {
    CHECK(word("고향은", "고향+은", "ncn+jxt+ef") == "고?향?은");
    CHECK(word("고향은", "고향", "ncn+jxt") == "고?향?은");
    CHECK(word("고향은", "고향++은", "ncn+sp+jxt") == "고?향?은");
    CHECK(word("고향은", "타관+이", "ncn+jxt") == "고?향?은");
    CHECK(word("고향은", "그것", "ncn") == "고향은");  // a lemma of one morpheme is the word
    CHECK(word("고향은", "_", "ncn+jxt") == "고?향?은");
}

TEST_CASE("learn/gold: three columns") {
    CHECK(shown("고향은\t고향+은\tncn+jxt\n\n먹고\t먹+고\tVV+EC\n") == "고향J은 먹E고");
    CHECK(shown("# first\r\n고향은\t고향+은\tncn+jxt\r\n\r\n먹고\t먹+고\tVV+EC") == "고향J은 먹E고");
    CHECK(shown("# a\tcomment\n#\t#\tSW\n먹고\t먹+고\tVV+EC\n") == "# 먹E고");
}

TEST_CASE("learn/gold: CoNLL-U") {
    const auto file = "# sent_id = 1\n# text = with\ttwo\ttabs\n" + row("1", "고향은", "고향+은", "ncn+jxt") +
                      row("2-3", "못했다", "_", "_") + row("2", "못", "못", "mag") +
                      row("3", "했다", "하+았+다", "xsv+ep+ef") + row("3.1", "비었다", "비+었+다", "pvg+ep+ef") +
                      "# in\tbetween\there\n" + row("4", "하늘", "_", "ncn") + "\n" + row("1", "끝", "끝", "ncn") +
                      "\n";
    const std::string want = "고향J은 못 했C다 하늘 끝";
    // The comment with two tabs would be a line of three columns if it stood before all others.
    const auto after = file.substr(file.find("1\t"));
    CHECK(shown(after) == want);
    CHECK(shown("# one\n" + row("1", "첫", "첫", "mma") + file.substr(file.find("# text"))) == "첫 " + want);
    std::string crlf;
    for (const char c : after) crlf += c == '\n' ? "\r\n" : std::string(1, c);
    CHECK(shown(crlf) == want);
}

TEST_CASE("learn/gold: words without a blank between them are one word") {
    const auto glued = "SpaceAfter=No";
    CHECK(shown(row("1", "고향은", "고향+은", "ncn+jxt", glued) +
                row("2", "먼", "멀+ㄴ", "paa+etm", "Gloss=a|SpaceAfter=No") + row("3", ".", ".", "sf")) ==
          "고향J은?먼?.");
    // Through comments, not through the end of a sentence or of the file.
    CHECK(shown(row("1", "가", "가", "nq", glued) + "# more\n" + row("2", "나", "나", "nq", glued) + "\n" +
                row("1", "다", "다", "nq", glued)) == "가?나 다");
    CHECK(shown(row("1-2", "가나", "_", "_", glued) + row("1", "가", "가", "nq") + row("2", "나", "나", "nq")) ==
          "가 나");
}

TEST_CASE("learn/gold: errors name the line") {
    const auto good = row("1", "고향은", "고향+은", "ncn+jxt");
    const std::string three = "먹고\t먹+고\tVV+EC\n";
    CHECK(shown("") == "no words in it");
    CHECK(shown("# nothing\n\n") == "no words in it");
    CHECK(shown(row("1-2", "가나", "_", "_")) == "no words in it");
    CHECK(shown("고향은\n") == "line 1: 1 columns, not the 10 of CoNLL-U");
    CHECK(shown("# a\n\n고향은\t고향+은\n") == "line 3: 2 columns, not the 10 of CoNLL-U");
    CHECK(shown(good + "고향은 고향+은\n") == "line 2: 1 columns, not the 10 of CoNLL-U");
    CHECK(shown(good + "\n" + three) == "line 3: 3 columns, not the 10 of CoNLL-U");
    CHECK(shown(three + good) == "line 2: 10 columns, not the 3 of form, morphemes, tags");
    CHECK(shown(good.substr(0, good.size() - 1) + "\t_\n") == "line 1: 11 columns, not the 10 of CoNLL-U");
    CHECK(shown(good + row("x", "가", "가", "nq")) == "line 2: the first column is no word number");
    CHECK(shown(good + row("", "가", "가", "nq")) == "line 2: the first column is no word number");
    CHECK(shown(good + row("2", "", "가", "nq")) == "line 2: an empty column");
    CHECK(shown(good + row("2", "가", "", "nq")) == "line 2: an empty column");
    CHECK(shown(good + row("2", "가", "가", "")) == "line 2: an empty column");
    CHECK(shown(three + "가\t\tnq\n") == "line 2: an empty column");
    CHECK(shown(good + "# \xEA\xB0\n") == "line 2: not UTF-8");
    CHECK(shown(good + row("2", "\xFF", "가", "nq")) == "line 2: not UTF-8");
    const auto error = learn::read_gold(as_bytes(std::string("a\n"))).error();
    CHECK(error.code == errc::bad_value);
}

TEST_CASE("learn/gold: counts of a treebank's gaps, if it is beside the checkout") {
    // As tools/boundary_score.py counts them; it calls verbal suffixes what it calls affixes, too.
    const struct {
        const char* file;
        std::size_t words, counts[8];  // by onset, of all gaps
    } known[] = {{"gsd.dev.tsv", 11958, {12835, 3521, 1994, 492, 258, 312, 2480, 414}},
                 {"kaist.dev.tsv", 25278, {25931, 9988, 4699, 864, 1062, 1125, 3767, 1792}}};
    for (const auto& k : known) {
        const auto path = NARAE_SHARED_DIR "/data/ud/" + std::string(k.file);
        if (!tests::exists(path)) continue;
        const auto file = tests::read_file(path);
        const auto words = learn::read_gold(as_bytes(file));
        CAPTURE(path);
        REQUIRE(words);
        CHECK(words->size() == k.words);
        std::size_t counts[8] = {};
        for (const auto& w : *words)
            for (std::size_t i = 1; i < w.begins.size(); ++i) ++counts[static_cast<std::size_t>(w.begins[i])];
        for (std::size_t i = 0; i < 8; ++i) CHECK(counts[i] == k.counts[i]);
    }
}
