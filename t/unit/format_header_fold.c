#include "unit.h"

#include <string.h>

#include "base/buf.h"
#include "format/header/header_fold.h"

#define UE "\xc3\xbc"

static const struct {
	uint64_t limit;
	const char *in, *out;
} rows[] = {
	{ 10, "A: b\r\n", "A: b\r\n" },
	{ 10, "A: bcdefgh\r\n", "A: bcdefgh\r\n" },
	{ 10, "A: bc efghi\r\n", "A: bc\r\n efghi\r\n" },
	{ 10, "A: bc\tefghi\r\n", "A: bc\r\n\tefghi\r\n" },
	{ 10, "A: bcdefgh ijk\r\n", "A: bcdefgh\r\n ijk\r\n" },
	{ 10, "A: b cd ef gh ij kl mn\r\n", "A: b cd ef\r\n gh ij kl\r\n mn\r\n" },
	/* the first of some blanks, and never only blanks */
	{ 10, "A: bcd   efghi\r\n", "A: bcd\r\n   efghi\r\n" },
	{ 10, "A: bcdef            \r\n", "A: bcdef            \r\n" },
	{ 10, "A:             \r\n", "A:             \r\n" },
	{ 10, "A: bcde           f\r\n", "A: bcde\r\n           f\r\n" },
	/* folds that are there stay, each line by itself */
	{ 10, "A: b\r\n c d e f g h i\r\n\tj\r\n", "A: b\r\n c d e f g\r\n h i\r\n\tj\r\n" },
	{ 10, " c d e f g h i\r\n", " c d e f g\r\n h i\r\n" },
	/* a word that is longer than a line stays whole */
	{ 10, "A: 0123456789abcdef gh\r\n", "A:\r\n 0123456789abcdef\r\n gh\r\n" },
	{ 10, "Abcdefghijklm: x\r\n", "Abcdefghijklm:\r\n x\r\n" },
	{ 10, "Abcdefghijklmnop\r\n", "Abcdefghijklmnop\r\n" },
	{ 10, " 0123456789abcdef\r\n", " 0123456789abcdef\r\n" },
	/* behind a comma or semicolon where there is no blank, or one too near to the front */
	{ 10, "To: a@b,c@d,e@f\r\n", "To: a@b,\r\n c@d,e@f\r\n" },
	{ 10, "A: b;c=d;efghij\r\n", "A: b;c=d;\r\n efghij\r\n" },
	{ 10, "A: b,cdefghijklmnop,q\r\n", "A: b,\r\n cdefghijklmnop,\r\n q\r\n" },
	{ 10, "A: bcdefghijklmnop,\r\n", "A:\r\n bcdefghijklmnop,\r\n" },
	{ 10, "A: bcd, efghij\r\n", "A: bcd,\r\n efghij\r\n" },
	{ 10, "A: bcd e,fghi\r\n", "A: bcd\r\n e,fghi\r\n" },
	{ 10, "A: bcdefg,hij\r\n", "A: bcdefg,\r\n hij\r\n" },
	{ 10, "A: bcdefgh,ij\r\n", "A:\r\n bcdefgh,\r\n ij\r\n" },
	/* where the fold brings a blank that takes a place of the next line */
	{ 10, "A: b;c=d;ef,ghijklm\r\n", "A: b;c=d;\r\n ef,\r\n ghijklm\r\n" },
	{ 10, "A: b;c=d;ef,ghijkl\r\n", "A: b;c=d;\r\n ef,ghijkl\r\n" },
	{ 10, "A: b;c=d;ef ghijklm\r\n", "A: b;c=d;\r\n ef\r\n ghijklm\r\n" },
	/* but not in quotes, over several lines and with what is quoted in them */
	{ 10, "A: \"b,c,d,e,f,g\",h\r\n", "A:\r\n \"b,c,d,e,f,g\",\r\n h\r\n" },
	{ 10, "A: \"b,c,\r\n d,e,f,g,h,i\",j\r\n", "A: \"b,c,\r\n d,e,f,g,h,i\",\r\n j\r\n" },
	{ 10, "A: \"b\\\",c,d,e\",f\r\n", "A:\r\n \"b\\\",c,d,e\",\r\n f\r\n" },
	{ 10, "A: \"\\\\\",c,def,g\r\n", "A: \"\\\\\",c,\r\n def,g\r\n" },
	{ 10, "A: \"b c d e f g\"\r\n", "A: \"b c d\r\n e f g\"\r\n" },
	/* bytes are counted, and nothing but blanks and marks is a place */
	{ 10, "A: " UE UE " " UE UE UE "\r\n", "A: " UE UE "\r\n " UE UE UE "\r\n" },
	{ 10, "A: " UE UE UE UE UE "\r\n", "A:\r\n " UE UE UE UE UE "\r\n" },
	{ 10, "A: \xff\xfe \xfd\xfc\xfb\xfa\r\n", "A: \xff\xfe \xfd\xfc\xfb\xfa\r\n" },
	/* what a field is known by stays together */
	{ 10, "A :bcdefghijklm\r\n", "A :bcdefghijklm\r\n" },
	{ 10, "A :bcdefghijk lm\r\n", "A :bcdefghijk\r\n lm\r\n" },
	{ 10, "A;b,c:defghijk\r\n", "A;b,c:defghijk\r\n" },
	{ 10, "A,bcdefghij: k\r\n", "A,bcdefghij:\r\n k\r\n" },
	{ 10, "From abcdefghijk\r\n", "From abcdefghijk\r\n" },
	{ 10, "From abcdefgh ij\r\n", "From abcdefgh\r\n ij\r\n" },
	{ 10, ">From a,bcdefghij\r\n", ">From a,\r\n bcdefghij\r\n" },
	/* however small the limit, every piece has a word */
	{ 1, "A: b c\r\n", "A:\r\n b\r\n c\r\n" },
	{ 1, "\r\n", "\r\n" },
	{ 1, "A: no end", "A:\r\n no\r\n end" }, { 1, "no end", "no end" },
	{ 1, "", "" },
};

START_TEST(test_folds)
{
	struct header_fold f;
	struct text piece;
	const char *fold;
	struct buf out;

	buf_init(&out, 1000);
	header_fold_begin(&f, text_of(rows[_i].in), rows[_i].limit);
	while (header_fold_next(&f, &piece, &fold)) {
		ck_assert(piece.n > 0);
		buf_add(&out, piece.p, piece.n);
		buf_str(&out, fold);
	}
	ck_assert_str_eq(buf_text(&out), rows[_i].out);
	buf_free(&out);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "folds", test_folds, UNIT_ROWS(rows), 0 },
	};
	return unit_main("format/header_fold", cases, UNIT_ROWS(cases));
}
