// SPDX-License-Identifier: MIT
#include "narae/corpus/personal.hpp"

#include "catch.hpp"
#include "corpus/text.hpp"
#include "narae/learn/tokenizer.hpp"

using namespace narae;
using corpus::personal;

namespace {

std::string masked(std::string_view line) {
    std::u32string out;
    corpus::mask_personal(tests::points(line), out);
    return tests::utf8(out);
}

}  // namespace

TEST_CASE("corpus/personal: the masks are special tokens of the tokenizer") {
    for (const auto m : corpus::masks)
        CHECK(std::count(learn::special_tokens.begin(), learn::special_tokens.end(), tests::utf8(m)) == 1);
}

TEST_CASE("corpus/personal: telephone numbers") {
    for (const char* number : {"010-1234-5678",     "01012345678",   "010.1234.5678",     "010 1234 5678",
                               "010-12345678",      "0101234-5678",  "010 - 1234 - 5678", "010\u20131234\u20135678",
                               "011-123-4567",      "0161234567",    "019-1234-5678",     "02-123-4567",
                               "02-1234-5678",      "02)123-4567",   "(02)123-4567",      "(02) 1234-5678",
                               "031-123-4567",      "051.123.4567",  "064 123 4567",      "070-1234-5678",
                               "080-123-4567",      "0502-123-4567", "0505-1234-5678",    "+82-10-1234-5678",
                               "+82 10 1234 5678",  "+821012345678", "+82-2-123-4567",    "82-10-1234-5678",
                               "+82-010-1234-5678", "1588-1234",     "1899-0000",         "1800-1234"}) {
        CAPTURE(number);
        CHECK(masked(number) == "<|tel|>");
        CHECK(masked(std::string("문의: ") + number + "로 하세요.") == "문의: <|tel|>로 하세요.");
        CHECK(masked(std::string("가 ") + number + ", " + number + ".") == "가 <|tel|>, <|tel|>.");
    }
    CHECK(masked("HP010-1234-5678") == "HP<|tel|>");
    CHECK(masked("010-1234-5678/010-8765-4321") == "<|tel|>/<|tel|>");
    CHECK(masked("3번 010-1234-5678 2024") == "3번 <|tel|> 2024");
    CHECK(masked("3 010-1234-5678 2024") == "3 <|tel|> 2024");
    CHECK(masked("전화 1588-1592") == "전화 <|tel|>");
}

TEST_CASE("corpus/personal: what is no telephone number") {
    for (const char* text : {"2024-01-15",
                             "2024.01.15.",
                             "01-02-2003",
                             "01.02.2003",
                             "1588-1592",
                             "1592-1598년",
                             "(1588-1648)",
                             "1,234,567원",
                             "0.0101234567",
                             "3.14159265",
                             "ISBN 978-89-01-12345-6",
                             "978-010-1234-5678",
                             "ISBN 89-7012-345-6",
                             "ISBN 0-306-40615-2",
                             "버전 10.0.19041.1",
                             "v1.2.3",
                             "010-1234",
                             "010-1234-56789",
                             "110-1234-5678",
                             "02-12-34",
                             "0101234567",
                             "010-1234-567",
                             "192.168.0.1",
                             "010.1234.5678.9",
                             "12:30-13:00",
                             "1,010-1234-5678",
                             "a0101234567b",
                             "id=01012345678",
                             "013-1234-5678",
                             "2020-2021",
                             "1234-5678",
                             "오전 9시-오후 6시",
                             "03-1234-5678",
                             "1000000",
                             "2만 5000원",
                             "KF94-0101234"}) {
        CAPTURE(text);
        CHECK(masked(text) == text);
    }
}

TEST_CASE("corpus/personal: resident and foreigner registration numbers") {
    // Dates are real, checksums of the numbers without a hyphen hold; nobody's: they were computed for this test.
    for (const char* number :
         {"900101-1234567", "900101-1234568", "010229-4123456", "850615-5123456", "900101 - 2345678"}) {
        CAPTURE(number);
        CHECK(masked(std::string("주민번호 ") + number + "입니다") == "주민번호 <|rrn|>입니다");
    }
    CHECK(masked("900101-1***") == "<|rrn|>");
    CHECK(masked("900101-1●●●입니다") == "<|rrn|>입니다");
    const auto with_checksum = [](std::string front, unsigned base) {
        unsigned sum = 0;
        for (std::size_t k = 0; k < 12; ++k)
            sum += static_cast<unsigned>(front[k] - '0') * (k < 8 ? unsigned(k) + 2 : unsigned(k) - 6);
        return front + std::to_string((base - sum % 11) % 10);
    };
    for (const auto& whole :
         {with_checksum("900101123456", 11), with_checksum("991231412345", 11), with_checksum("850615512345", 13)}) {
        CAPTURE(whole);
        CHECK(masked(whole) == "<|rrn|>");
        CHECK(masked(whole.substr(0, 6) + " " + whole.substr(6)) == "<|rrn|>");
        auto wrong = whole;
        wrong.back() = wrong.back() == '9' ? '0' : static_cast<char>(wrong.back() + 1);
        CHECK(masked(wrong) == wrong);
    }
    for (const char* text :
         {"901301-1234567", "900132-1234567", "900230-1234567", "900101-9234567", "900101-0234567", "900101-123456",
          "900101-12345678", "9001011-234567", "9791186757093", "1609459200000", "900101-1", "900101-1**"}) {
        CAPTURE(text);
        CHECK(masked(text) == text);
    }
}

TEST_CASE("corpus/personal: account numbers, where a word says so") {
    for (const char* number :
         {"110-123-456789", "123-45-678901", "123456-78-901234", "1002-123-456-789", "12345678901234"}) {
        CAPTURE(number);
        CHECK(masked(std::string("계좌번호 ") + number + "로 보내세요") == "계좌번호 <|acc|>로 보내세요");
        CHECK(masked(std::string("나래은행 ") + number) == "나래은행 <|acc|>");
        CHECK(masked(std::string(number) + " 입금") == "<|acc|> 입금");
        CHECK(masked(std::string("번호 ") + number) == std::string("번호 ") + number);
    }
    for (const char* text :
         {"계좌에 1234567890원", "은행에서 2024-01-15 입금", "은행 2020-01-01-12", "입금 1,234,567,890원",
          "통장 123-456", "은행 89-5967-588-0", "은행 978-89-5967-588-0", "계좌 12345678901234567"}) {
        CAPTURE(text);
        CHECK(masked(text) == text);
    }
    CHECK(masked("은행 010-1234-5678") == "은행 <|tel|>");
}

TEST_CASE("corpus/personal: e-mail addresses") {
    for (const char* mail :
         {"hong@example.com", "hong.gil-dong+a@mail.example.co.kr", "a_1%b@x-y.org", "01012345678@example.com"}) {
        CAPTURE(mail);
        CHECK(masked(std::string("메일은 ") + mail + "로, 또는 <" + mail + ">.") ==
              "메일은 <|email|>로, 또는 <<|email|>>.");
    }
    for (const char* text : {"@hong", "hong@", "a@b", "a@b.c", "@", "3 @ 5", "나@example", "a@.com", "x@1.2"}) {
        CAPTURE(text);
        CHECK(masked(text) == text);
    }
    CHECK(masked("a@b.com,c@d.kr") == "<|email|>,<|email|>");
}

TEST_CASE("corpus/personal: street addresses from province to number") {
    for (const char* address :
         {"서울특별시 강남구 테헤란로 123", "서울 강남구 테헤란로7길 12-3", "경기도 성남시 분당구 판교로 235",
          "부산광역시 해운대구 우동 123-4번지", "전라남도 완도군 완도읍 장도길 5", "서울 종로구 자하문로 24길 5",
          "대구 중구 달구벌대로 2000번길 7", "세종특별자치시 한누리대로 2130", "서울시 마포구 월드컵로 1, 101동 1502호",
          "강원도 춘천시 동면 장학리 12"}) {
        CAPTURE(address);
        CHECK(masked(address) == "<|addr|>");
        CHECK(masked(std::string("본사는 대한민국 ") + address + "에 있다.") == "본사는 대한민국 <|addr|>에 있다.");
        CHECK(masked(std::string("(") + address + ")") == "(<|addr|>)");
    }
    for (const char* text :
         {"서울특별시 강남구", "서울 강남구 테헤란로", "서울 종로구 명륜동 3가", "서울시 중구 을지로 3가",
          "서울 강남구 역삼동 2호선", "오후 3시 서울로 2시간", "서로 3, 4", "앞으로 3", "강남구 테헤란로 123",
          "서울 동물원 앞으로 3명", "서울시 앞으로 3년", "프로야구 광주시 1루로 2루수"}) {
        CAPTURE(text);
        CHECK(masked(text) == text);
    }
}

TEST_CASE("corpus/personal: counts by kind, and nothing is found in nothing") {
    std::u32string out;
    const auto found = corpus::mask_personal(tests::points("010-1234-5678, 010-8765-4321 a@b.kr 900101-1234567"), out);
    CHECK(found == std::array<std::uint32_t, 5>{2, 1, 0, 1, 0});
    CHECK(corpus::mask_personal(U"", out) == std::array<std::uint32_t, 5>{});
    CHECK(out.empty());
    for (const char* text : {"0", "+", "+8", "+82", "82-", "02", "010", "900101", "900101-", "1588-", "1", "로 1", "9 ",
                             "(02)", "0 0 0 0 0 0 0 0"})
        CHECK(masked(text) == text);
}
