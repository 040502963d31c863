import type { EventHead } from '../shared/inspection.ts'

const two = (value: number, digits = 2) => String(value).padStart(digits, '0')

/** Of day, to the millisecond, in local time: as a server's log is read beside it. */
export const clock = (at: number): string => {
  const date = new Date(at)
  const seconds = `${two(date.getSeconds())}.${two(date.getMilliseconds(), 3)}`
  return `${two(date.getHours())}:${two(date.getMinutes())}:${seconds}`
}

/** @param ms a negative one is none: two clocks, or one that was set back */
export const duration = (ms: number): string => {
  const rest = Math.max(0, ms)
  if (rest < 1_000) return `${rest < 10 ? Math.round(rest * 10) / 10 : Math.round(rest)} ms`
  const seconds = Math.floor(rest / 1_000)
  if (seconds < 10) return `${(rest / 1_000).toFixed(1)} s`
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${two(seconds % 60)} s`
  const hours = Math.floor(minutes / 60)
  return hours < 24 ? `${hours} h ${two(minutes % 60)} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** To the second: what a poll a second cannot know better should not flicker. */
export const ago = (at: number | null, now: number): string => {
  if (at === null) return 'never'
  return now - at < 1_000
    ? 'just now'
    : `${duration(Math.floor((now - at) / 1_000) * 1_000).replace('.0 ', ' ')} ago`
}

export const count = (value: number): string => value.toLocaleString('en')

/** Characters or bytes, by thousands. */
export const size = (value: number): string => {
  if (value < 1_000) return String(value)
  if (value < 999_950) return `${(value / 1_000).toFixed(1)} k`
  return `${(value / 1_000_000).toFixed(1)} M`
}

/** Of a random id, enough to tell it from the others. */
export const short = (id: string): string => id.slice(0, 8)

/** What an entry of the log is called: an event by its type, a change of a topic by what it came to. */
export const kindOf = ({ type, control, topic }: Pick<EventHead, 'type' | 'control' | 'topic'>): string => {
  const kind = control === null ? type : `(${control})`
  return topic === null ? kind : `${kind} · ${topic}`
}

/** What a key is made of (`keyOf`). */
export const ofKey = (key: string): { user: string; url: string } => {
  const [, user, rest] = /^tabstream:([^@]*)@(.*)$/.exec(key) ?? [null, '', key]
  // Behind the URL may stand a digest of what else chooses the stream.
  const [url] = rest!.split('#')
  return { user: decodeURIComponent(user!), url: url! }
}
