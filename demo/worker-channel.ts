/** By which the page tells the worker to end itself, as a crash would. */
export const WORKER_CHANNEL = 'tabstream-demo:worker'
