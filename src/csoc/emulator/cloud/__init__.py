"""An endpoint that answers like AWS: requests are authenticated, judged, and answered by our services or by moto's."""
