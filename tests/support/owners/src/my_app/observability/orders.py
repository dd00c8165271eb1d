"""Business metrics for orders."""

from opentelemetry import trace

from my_app.models.orders import Order, OrderWrite
from my_app.observability.metrics import ORDERS_CREATED
from my_app.services.orders import OrderService

__all__ = ["ObservedOrderService"]

_tracer = trace.get_tracer(__name__)


class ObservedOrderService(OrderService):
    """The use cases of orders, with a span and a count."""

    async def create(self, data: OrderWrite) -> Order:
        """Take an order, as `OrderService.create` does."""
        with _tracer.start_as_current_span("orders.create", record_exception=False):
            order = await super().create(data)
        ORDERS_CREATED.inc()
        return order
