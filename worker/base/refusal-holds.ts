/**
 * ms for which the refusal of a topic holds. Who joins within that time is refused as well. Who joins later has the topic
 * asked for again: a page that joins again and again costs no more than two requests a minute (TO4).
 */
export const REFUSAL_HOLDS = 30_000
