/** One success metric: what was measured, and what it has to be. */
export interface Row {
  metric: string
  measured: string
  goal: string
  isMet: boolean
}

/** Lines of text, the columns aligned. */
export const formatTable = (rows: Row[]): string[] => {
  const cells = [
    ['metric', 'measured', 'goal', ''],
    ...rows.map(({ metric, measured, goal, isMet }) => [metric, measured, goal, isMet ? 'met' : 'MISSED']),
  ]
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)))
  return cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  )
}
