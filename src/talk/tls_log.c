#include "talk/tls_log.h"

#define EVERYTHING (TLS_LOG_SUMMARY | TLS_LOG_UNTRUSTED | TLS_LOG_PEER | TLS_LOG_MATCH | TLS_LOG_CACHE \
	| TLS_LOG_DANE)

/* Levels above 2 show bytes in Postfix: here they say no more than 2. */
static const struct word {
	const char *word;
	unsigned bits;
} words[] = {
	{ "0", 0 }, { "none", 0 },
	{ "1", TLS_LOG_SUMMARY }, { "routine", TLS_LOG_SUMMARY }, { "summary", TLS_LOG_SUMMARY },
	{ "2", EVERYTHING }, { "debug", EVERYTHING }, { "3", EVERYTHING }, { "ssl-expert", EVERYTHING },
	{ "4", EVERYTHING }, { "ssl-developer", EVERYTHING }, { "5", EVERYTHING }, { "6", EVERYTHING },
	{ "7", EVERYTHING }, { "8", EVERYTHING }, { "9", EVERYTHING },
	{ "ssl-debug", EVERYTHING }, { "ssl-handshake-packet-dump", EVERYTHING },
	{ "ssl-session-packet-dump", EVERYTHING },
	{ "untrusted", TLS_LOG_UNTRUSTED }, { "peercert", TLS_LOG_PEER }, { "certmatch", TLS_LOG_MATCH },
	{ "cache", TLS_LOG_CACHE }, { "dane", TLS_LOG_DANE }, { "verbose", TLS_LOG_PEER },
};

/* The row of a word, or NULL. */
static const struct word *find(struct text word)
{
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (text_is_nocase(word, words[i].word))
			return &words[i];
	return NULL;
}

unsigned tls_log_words(const char *list)
{
	struct text rest = text_of(list), element;
	unsigned bits = 0;

	while (text_list_next(&rest, &element)) {
		const struct word *w = find(element);

		bits |= w ? w->bits : 0;
	}
	return bits;
}

bool tls_log_knows(struct text word)
{
	return find(word);
}
