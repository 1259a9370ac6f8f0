"""AtmoDist inside other packages: torchmetrics, WeatherBench-X and Earth2Studio; each is imported only where it is used."""

__all__: list[str] = []
