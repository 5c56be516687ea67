"""Judges a hub from Python, and looks at the report."""

import os

from conformance import Settings, run

hub = os.environ["NEUROENGINE_URL"]
report = run(Settings(hub, "Neuroengine-Large", profile="smoke", seed=1))

for row in report["requirements"]:
    if row["verdict"] in {"fail", "warn"}:
        print(f"{row['id']} {row['level']}: {row['sentence']}")
        print(row["breaches"][0]["reproduce"])
print(f"conforms: {report['conforms']}, broken: {report['counts']['fail']}")
