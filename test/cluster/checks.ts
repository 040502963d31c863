import { writeCounts } from '../counts.ts'

/** What a run has shown, one line each, and its counts for `npm test`. */
export const createChecks = (name: string) => {
  let passed = 0
  let failed = 0

  const check = (title: string, ok: boolean, detail = ''): void => {
    if (ok) passed += 1
    else failed += 1
    console.log(`${ok ? 'ok    ' : 'FAILED'} ${title}${detail === '' ? '' : ` (${detail})`}`)
  }

  return {
    check,

    /** Fails if `work` rejects. */
    async part(title: string, work: () => Promise<string | undefined>): Promise<void> {
      try {
        check(title, true, (await work()) ?? '')
      } catch (error) {
        check(title, false, error instanceof Error ? error.message : String(error))
      }
    },

    finish(): void {
      writeCounts(name, { passed, failed, skipped: 0 })
      console.log(`\n${passed} passed, ${failed} failed`)
      process.exitCode = failed > 0 ? 1 : 0
    },
  }
}

/** Polls, until `condition` holds or `limit` milliseconds have passed; says which. */
export const eventually = async (
  condition: () => boolean | Promise<boolean>,
  limit: number,
): Promise<boolean> => {
  const started = Date.now()
  while (!(await condition())) {
    if (Date.now() - started > limit) return false
    await new Promise((done) => setTimeout(done, 50))
  }
  return true
}
