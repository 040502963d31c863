/** What a number, a key or an object counts, in characters. */
const LITTLE = 8

/**
 * About how much memory a value takes that crossed a port, in characters. Counts on until `most` is exceeded: no value
 * costs more than that to measure.
 */
export const sizeOfValue = (value: unknown, most: number): number => {
  const counted = new Set<object>()
  const left: unknown[] = [value]
  let size = 0
  while (left.length > 0 && size <= most) {
    const each = left.pop()
    size += typeof each === 'string' ? each.length : LITTLE
    if (typeof each !== 'object' || each === null || counted.has(each)) continue
    counted.add(each)
    if (each instanceof Blob) size += each.size
    else if ('byteLength' in each && (ArrayBuffer.isView(each) || each instanceof ArrayBuffer))
      size += each.byteLength
    else if (each instanceof Map) for (const pair of each) left.push(...pair)
    else if (each instanceof Set) for (const part of each) left.push(part)
    else for (const [key, part] of Object.entries(each)) left.push(key, part)
  }
  return size
}
