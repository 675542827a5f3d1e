// Bars over time as one picture, with the same numbers as a table for whoever does not see them.
import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";

export interface Bar {
  label: string;
  /** As it stands below the bars, where there is less room. */
  short: string;
  /** How high it is. */
  value: number;
  /** The number as it is read. */
  text: string;
  /** Where there is more about it. */
  href: string;
}

interface BarsProps {
  title: string;
  bars: readonly Bar[];
  /** A number of the scale as it is read. */
  textOf: (value: number) => string;
  /** Of what there are no halves. */
  isCount?: boolean;
}

const HEIGHT = 100;
const WIDTH = 10;
const LINES = 4;
const TICKS = 6;

/** Round numbers up to at least the highest, the highest of them last. */
const scaleOf = (highest: number, isCount: boolean) => {
  if (highest <= 0) return [1];
  const power = 10 ** Math.floor(Math.log10(highest / LINES));
  const step = Math.max(isCount ? 1 : 0, [1, 2, 5, 10].map((each) => each * power).find((each) => each * LINES >= highest) ?? highest);
  return Array.from({ length: Math.ceil(highest / step - 1e-9) }, (_, index) => Number((step * (index + 1)).toPrecision(6)));
};

export const Bars = ({ title, bars, textOf, isCount = false }: BarsProps) => {
  const caption = useId();
  const pointed = useSignal<string | null>(null);
  const highest = Math.max(...bars.map((each) => each.value), 0);
  const lines = scaleOf(highest, isCount);
  const top = lines[lines.length - 1] ?? 1;
  const every = Math.max(1, Math.ceil(bars.length / TICKS));
  return (
    <figure class="bars" aria-labelledby={caption}>
      <figcaption id={caption}>{title}</figcaption>
      <p class="pointed number" aria-hidden="true">
        {pointed.value}
      </p>
      <div class="plot" aria-hidden="true">
        {highest > 0 && lines.map((each) => (
          <span key={each} class="line" style={{ bottom: `${(each / top) * 100}%` }}>
            <span class="dim number">{textOf(each)}</span>
          </span>
        ))}
        <svg viewBox={`0 0 ${Math.max(1, bars.length) * WIDTH} ${HEIGHT}`} preserveAspectRatio="none" focusable="false" onPointerLeave={() => (pointed.value = null)}>
          {bars.map(({ label, value, text, href }, index) => {
            const height = value > 0 ? Math.max((value / top) * HEIGHT, 1) : 0;
            return (
              <a key={label} href={href} tabindex={-1} onPointerEnter={() => (pointed.value = `${label}: ${text}`)}>
                <rect class="ground" x={index * WIDTH} y={0} width={WIDTH} height={HEIGHT} />
                {height > 0 && <rect x={index * WIDTH + WIDTH * 0.12} y={HEIGHT - height} width={WIDTH * 0.76} height={height} />}
              </a>
            );
          })}
        </svg>
        <div class="axis dim">
          {bars.map(({ label, short }, index) => (
            <span key={label} class={(index / every) % 2 ? "minor" : ""}>{index % every === 0 && short}</span>
          ))}
        </div>
      </div>
      <details>
        <summary>The same as a table</summary>
        <div class="scroll" tabIndex={0} role="region" aria-label={title}>
          <table>
            <tbody>
              {bars.map(({ label, text, href }) => (
                <tr key={label}>
                  <th scope="row">
                    <a href={href}>{label}</a>
                  </th>
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
