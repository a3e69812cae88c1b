/* An intrusive, circular, doubly linked list: the head is a struct list of its own, elements embed one. */
#ifndef CAUSEWAY_BASE_LIST_H
#define CAUSEWAY_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *prev;
};

/* The struct that embeds link l as member m. */
#define LIST_OF(l, type, m) ((type *)(void *)((char *)(l) - offsetof(type, m)))

/* Walks all elements; the current one may be removed inside. */
#define LIST_EACH(at, head) \
	for (struct list *at = (head)->next, *at##_next = at->next; at != (head); \
		at = at##_next, at##_next = at->next)

static inline void list_init(struct list *l) { l->next = l->prev = l; }
static inline bool list_empty(const struct list *head) { return head->next == head; }

static inline void list_insert(struct list *before, struct list *l)
{
	l->next = before;
	l->prev = before->prev;
	before->prev->next = l;
	before->prev = l;
}

static inline void list_append(struct list *head, struct list *l) { list_insert(head, l); }
static inline void list_prepend(struct list *head, struct list *l) { list_insert(head->next, l); }

/* Takes l out of its list; harmless if it is in none but was initialised. */
static inline void list_remove(struct list *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	list_init(l);
}

static inline struct list *list_first(struct list *head) { return list_empty(head) ? NULL : head->next; }

#endif
