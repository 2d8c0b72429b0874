/** Names and paths in messages: they may be as long as a caller likes. */

/** The beginning and the end of a long text. */
export function shorten(text: string): string {
  return text.length <= 300 ? text : `${text.slice(0, 200)} … ${text.slice(-80)}`
}
