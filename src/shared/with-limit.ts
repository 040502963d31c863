/** ms for a call to a hub; comlink itself never settles one whose other side has died. */
export const CALL_LIMIT = 10_000

/** @throws Error when `call` takes longer than `ms`, or what it rejects with */
export const withLimit = <T>(call: Promise<T>, what: string, ms = CALL_LIMIT): Promise<T> =>
  new Promise((resolve, reject) => {
    const late = () => reject(new Error(`The worker did not answer ${what} within ${ms / 1_000} s.`))
    const timer = setTimeout(late, ms)
    call.then(resolve, reject).finally(() => clearTimeout(timer))
  })
