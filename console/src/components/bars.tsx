// Bars over time as one picture, with the same numbers as a table for whoever does not see them.
import { useId } from "preact/hooks";

export interface Bar {
  label: string;
  /** How high it is. */
  value: number;
  /** The number as it is read. */
  text: string;
}

const HEIGHT = 100;
const WIDTH = 10;

export const Bars = ({ title, bars, most }: { title: string; bars: readonly Bar[]; most: (value: number) => string }) => {
  const caption = useId();
  const highest = Math.max(...bars.map((each) => each.value), 0);
  const first = bars[0];
  const last = bars[bars.length - 1];
  const middle = bars.length > 8 ? bars[Math.floor(bars.length / 2)] : undefined;
  return (
    <figure class="bars" aria-labelledby={caption}>
      <figcaption id={caption}>{title}</figcaption>
      <div class="plot">
        <span class="dim number top">{most(highest)}</span>
        <svg viewBox={`0 0 ${Math.max(1, bars.length) * WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true" focusable="false">
          {bars.map(({ label, value, text }, index) => {
            const height = highest > 0 ? (value / highest) * HEIGHT : 0;
            return (
              <g key={label}>
                <title>{`${label}: ${text}`}</title>
                <rect class="ground" x={index * WIDTH} y={0} width={WIDTH} height={HEIGHT} />
                {height > 0 && <rect x={index * WIDTH + WIDTH * 0.12} y={HEIGHT - Math.max(height, 1)} width={WIDTH * 0.76} height={Math.max(height, 1)} />}
              </g>
            );
          })}
        </svg>
        <div class="axis dim">
          <span>{first?.label}</span>
          {middle && <span>{middle.label}</span>}
          {last !== first && <span>{last?.label}</span>}
        </div>
      </div>
      <details>
        <summary>The same as a table</summary>
        <div class="scroll" tabIndex={0} role="region" aria-label={title}>
          <table>
            <tbody>
              {bars.map(({ label, text }) => (
                <tr key={label}>
                  <th scope="row">{label}</th>
                  <td class="number">{text}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
};
