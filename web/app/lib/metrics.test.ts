import { describe, expect, it } from "vitest";
import { byLabel, parseMetrics, quantile, total } from "./metrics";

const TEXT = `# HELP x_total What
# TYPE x_total counter
x_total{signal="logs",reason="too old"} 3
x_total{signal="spans",reason="a \\"b\\", c"} 4
free_bytes 1.5e9
d_bucket{le="0.1"} 50
d_bucket{le="1"} 100
d_bucket{le="+Inf"} 100
# EOF
`;

describe("metrics", () => {
  const metrics = parseMetrics(TEXT);

  it("are read with their labels, quotes included", () => {
    expect(total(metrics, "x_total")).toBe(7);
    expect(total(metrics, "x_total", { signal: "logs" })).toBe(3);
    expect(total(metrics, "free_bytes")).toBe(1.5e9);
    expect(total(metrics, "absent")).toBeNull();
    expect(byLabel(metrics, "x_total", "reason")).toEqual([{ name: 'a "b", c', value: 4 }, { name: "too old", value: 3 }]);
  });

  it("give quantiles of histograms", () => {
    expect(quantile(metrics, "d", 0.5)).toBeCloseTo(0.1);
    expect(quantile(metrics, "d", 0.75)).toBeCloseTo(0.55);
    expect(quantile(metrics, "nothing", 0.5)).toBeNull();
  });
});
