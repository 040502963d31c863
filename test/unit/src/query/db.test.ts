import { createCollection } from '@tanstack/db'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Stream } from '../../../../src/index.ts'
import { type StreamCollectionOptions, streamCollection } from '../../../../src/query/index.ts'
import { createServer, createTabs } from '../../harness/query-tabs.ts'

type Note = { id: number; text: string }
type Events = { 'note.saved': Note; 'note.removed': { id: number }; 'notes.imported': null }

describe('X7 streamCollection, with TanStack DB', () => {
  const stops: (() => unknown)[] = []
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop()
    vi.useRealTimers()
  })
  const until = (condition: () => void) => vi.waitFor(condition, { timeout: 10_000, interval: 2 })

  const one = { id: 1, text: 'one' }
  const two = { id: 2, text: 'two' }
  const open = (
    tabs: ReturnType<typeof createTabs>,
    load: () => Promise<Note[]>,
    more: Partial<StreamCollectionOptions<Events, Note, number>> = {},
  ) => {
    const stream = tabs.open().stream as unknown as Stream<Events>
    const collection = createCollection(
      streamCollection(stream, {
        id: 'notes',
        getKey: ({ id }: Note) => id,
        load,
        on: {
          'note.saved': (note) => [{ type: 'upsert', value: note }],
          'note.removed': ({ id }) => [{ type: 'delete', key: id }],
          'notes.imported': 'invalidate',
        },
        ...more,
      }),
    )
    stops.push(() => collection.cleanup())
    return { collection, texts: () => collection.toArray.map(({ text }) => text).sort() }
  }

  it('has the items that are loaded, and what events make of them', async () => {
    const tabs = createTabs()
    const load = createServer(() => [one])
    const { collection, texts } = open(tabs, load)
    await collection.preload()
    expect(texts()).toEqual(['one'])
    tabs.emit('note.saved', two)
    expect(texts()).toEqual(['one', 'two'])
    tabs.emit('note.saved', { id: 1, text: 'uno' })
    expect(texts()).toEqual(['two', 'uno'])
    tabs.emit('note.removed', { id: 2 })
    tabs.emit('note.removed', { id: 7 })
    expect(texts()).toEqual(['uno'])
    expect(load.calls).toBe(1)
  })

  it('applies events to the items that they came in the load of', async () => {
    const tabs = createTabs()
    const load = createServer(() => [one])
    load.isSlow = true
    const { collection, texts } = open(tabs, load)
    void collection.preload()
    await until(() => expect(load.calls).toBe(1))
    tabs.emit('note.saved', two)
    tabs.emit('note.removed', { id: 1 })
    load.answer()
    await until(() => expect(texts()).toEqual(['two']))
  })

  it('ST5 loads anew once for all tabs after a reset, and for an event that calls for it', async () => {
    const tabs = createTabs()
    let answer = [one]
    const load = createServer(() => answer)
    const views = Array.from({ length: 4 }, () => open(tabs, load))
    await Promise.all(views.map(({ collection }) => collection.preload()))
    expect(load.calls).toBe(1)
    answer = [two]
    tabs.emit('notes.imported', null)
    await until(() => expect(views.map(({ texts }) => texts())).toEqual(views.map(() => ['two'])))
    expect(load.calls).toBe(2)
    answer = [one, two]
    tabs.reset()
    await until(() => expect(views.map(({ texts }) => texts())).toEqual(views.map(() => ['one', 'two'])))
    expect(load.calls).toBe(3)
  })

  it('says that a load failed, tries again, and hears nothing once it is cleaned up', async () => {
    vi.useFakeTimers()
    const tabs = createTabs()
    let calls = 0
    const load = async () => {
      if (++calls < 3) throw new Error('503')
      return [one]
    }
    const { collection, texts } = open(tabs, load)
    collection.startSyncImmediate()
    await vi.advanceTimersByTimeAsync(10)
    expect([collection.status, calls]).toEqual(['error', 1])
    await vi.advanceTimersByTimeAsync(1_000)
    expect(calls).toBe(2)
    await vi.advanceTimersByTimeAsync(2_000)
    expect([collection.status, texts()]).toEqual(['ready', ['one']])
    await collection.cleanup()
    tabs.emit('notes.imported', null)
    await vi.advanceTimersByTimeAsync(120_000)
    expect(calls).toBe(3)
  })
})
