/**
 * What is called ten thousand times is done once, before the next frame. A tab in the background draws no frame, and
 * has one to draw, not ten thousand, when it comes to the front.
 */
export const onceAFrame = (work: () => void): (() => void) => {
  let asked = false
  return () => {
    if (asked) return
    asked = true
    requestAnimationFrame(() => {
      asked = false
      work()
    })
  }
}
