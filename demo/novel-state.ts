import { applyPublished, type Novel, noNovel } from './novel.ts'

export interface NovelStateOptions {
  /** The server's state, which includes everything up to the moment it answers. */
  fetchNovel: () => Promise<Novel>
  onChange: (novel: Novel) => void
}

/**
 * What a page with a stream has to do about its state: fetch it, and apply events. What arrives while a fetch
 * is under way is applied to its answer once more, since nobody knows which of the two was first; the events
 * of the catalogue set and never count up, so twice does no harm.
 */
export const createNovelState = ({ fetchNovel, onChange }: NovelStateOptions) => {
  let novel = noNovel()
  let arrived: { type: string; data: string }[] = []
  let fetches = 0

  const set = (next: Novel) => {
    novel = next
    onChange(novel)
  }

  return {
    read: () => novel,

    apply(type: string, data: string): void {
      if (fetches > 0) arrived.push({ type, data })
      set(applyPublished(novel, type, data))
    },

    /** At the start and after each reset. */
    async refetch(): Promise<void> {
      fetches += 1
      try {
        const fetched = await fetchNovel()
        set(arrived.reduce((state, { type, data }) => applyPublished(state, type, data), fetched))
      } finally {
        fetches -= 1
        if (fetches === 0) arrived = []
      }
    },
  }
}
