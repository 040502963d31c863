/** What `load` of `state()` may give: a value, and which events it contains. */
export class Snapshot<Value> {
  declare readonly value: Value
  declare readonly position: string | null

  /**
   * @param position the id of the last event that `value` contains: later ones are applied to it, and no others. `null`:
   *   not known, and each reducer must bear an event that `value` contains already
   */
  constructor(value: Value, position: string | null) {
    this.value = value
    this.position = position
  }
}
