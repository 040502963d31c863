/** A Web Lock of this page's own, held until `release`, which may come before it is granted. */
export const holdLock = (name: string) => {
  let release = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  const held = new Promise<void>((resolve) => {
    void navigator.locks.request(name, () => {
      resolve()
      return released
    })
  })
  return { held, release }
}
