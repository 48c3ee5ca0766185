"""What is planted: the categories, their need states and clusters, and how clusters relate to the outside clusters."""

from __future__ import annotations

from dataclasses import dataclass

OUTSIDE = "(outside)"  # the category of the truth of the outside data
OUTLIER = -1  # in the truth: a store that belongs to no cluster
NONE = 0  # in this package: the store has no data on that side

OUTSIDE_SHARES = (0.42, 0.33, 0.25)  # of the stores in the outside data, per outside cluster


@dataclass(frozen=True)
class Category:
    """A category: its name, its need states with their weight in the chain, and its clusters.

    `shares` has a row per outside cluster: how its stores are distributed over the clusters of the category. Rows sum to 1.
    Rows that differ relate the two sides.
    """

    name: str
    need_states: dict[str, float]
    shares: tuple[tuple[float, ...], ...]

    @property
    def k(self) -> int:
        """The number of clusters."""
        return len(self.shares[0])


def _alike(*shares: float) -> tuple[tuple[float, ...], ...]:
    return (shares,) * len(OUTSIDE_SHARES)


# One cell of Coffee holds 0.25 x 0.08 = 2 % of the stores: less than the size floor of 3 % that merging repairs.
_COFFEE_SHARES = ((0.30, 0.26, 0.22, 0.22), (0.30, 0.26, 0.22, 0.22), (0.38, 0.32, 0.22, 0.08))

CATEGORIES = (
    Category(
        "Bread",
        {
            "Everyday White": 16,
            "Wholegrain": 13,
            "Rolls and Buns": 12,
            "Organic": 10,
            "Toast": 11,
            "Artisan Loaf": 9,
            "Gluten Free": 8,
            "Value Loaf": 11,
            "Sweet Bread": 9,
        },
        _alike(0.42, 0.33, 0.25),
    ),
    Category(
        "Coffee",
        {
            "Ground Classic": 13,
            "Whole Bean": 11,
            "Instant": 10,
            "Capsules": 12,
            "Decaf": 8,
            "Organic Fair Trade": 8,
            "Espresso": 9,
            "Cold Ready to Drink": 7,
            "Flavoured": 7,
            "Value Ground": 8,
            "Cappuccino Mix": 7,
            "Chicory Blend": 0.5,  # rarer than 1 % of the category: clustered as (rare)
        },
        _COFFEE_SHARES,
    ),
    Category(
        "Frozen Meals",
        {
            "Family Pizza": 15,
            "Single Serve": 13,
            "Vegetarian": 12,
            "Light": 11,
            "Premium": 11,
            "Fish": 13,
            "Asian": 12,
            "Value Meal": 13,
        },
        _alike(0.55, 0.45),
    ),
    Category(
        "Yoghurt",
        {
            "Natural": 12,
            "Fruit": 13,
            "Greek": 11,
            "Kids": 10,
            "Protein": 10,
            "Drinkable": 9,
            "Plant Based": 9,
            "Low Fat": 9,
            "Dessert": 9,
            "Value Tub": 8,
        },
        _alike(0.40, 0.32, 0.28),
    ),
)
