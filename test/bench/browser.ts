/** One page, in a window of its own. */
export interface BenchTab {
  /** Awaits what the expression gives; it must survive JSON. */
  evaluate<T>(expression: string): Promise<T>
  /** Bytes of JavaScript heap, after a collection; `null`: this browser does not tell. */
  heap(): Promise<number | null>
  /** ms that the page's main thread has worked; `null`: this browser does not tell. */
  mainThread(): Promise<number | null>
  close(): Promise<void>
}

export interface BenchBrowser {
  openTab(url: string): Promise<BenchTab>
  /** ms of CPU of all its processes; `null` where the system does not tell. */
  cpu(): number | null
  /** How often timers and messages have woken the one SharedWorker that there is; `null`: this browser does not tell. */
  workerWakeUps(): Promise<number | null>
  /** Ends all SharedWorkers, as time does; `false`: this browser keeps none for a page that may come back. */
  endWorkers(): Promise<boolean>
  /** Bytes, after a collection, of the one SharedWorker that there is; `null`: this browser does not tell. */
  workerHeap(): Promise<number | null>
  close(): Promise<void>
}
