declare global {
  /** How often timers have fired and messages have come, in this page or worker: each wakes a thread. */
  var wakeUps: { count: number }
}

/** Counts from here on, what the library is about to set or to listen to included. */
export const countWakeUps = () => {
  const counter = { count: 0 }
  globalThis.wakeUps = counter
  const set = globalThis.setTimeout
  globalThis.setTimeout = ((run: () => void, ms?: number) =>
    set(() => {
      counter.count++
      run()
    }, ms)) as typeof globalThis.setTimeout
  // comlink has two listeners at each port: one message is one wake-up.
  let last: Event | null = null
  const { addEventListener } = MessagePort.prototype
  MessagePort.prototype.addEventListener = function (
    this: MessagePort,
    type: string,
    listener: (event: Event) => unknown,
  ) {
    addEventListener.call(this, type, (event: Event) => {
      if (event !== last) counter.count++
      last = event
      listener.call(this, event)
    })
  } as typeof addEventListener
}
