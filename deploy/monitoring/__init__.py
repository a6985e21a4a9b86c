"""What operators look at: Prometheus's scrapes and alerts, Grafana's dashboards."""
