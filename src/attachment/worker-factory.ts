/** What a worker factory passes on to `new SharedWorker` or `new Worker`: its name carries the key (A3). */
export interface WorkerFactoryOptions {
  name: string
  /** For a SharedWorker: it outlives a reload, where the browser knows this option. */
  extendedLifetime?: boolean
}

/** The application's own ways to start its worker file; see `ConnectOptions.worker`. */
export interface WorkerFactories {
  shared?: (options: WorkerFactoryOptions) => SharedWorker
  dedicated?: (options: WorkerFactoryOptions) => Worker
}
