"""The official splits of DAVIS, by name, so that a partial result is known for what it is.

Sources: `db_info.yml` of DAVIS 2016; the lists on davischallenge.org (2017).
"""

_TRAIN_2016 = """
    bear bmx-bumps boat breakdance-flare bus car-turn dance-jump dog-agility drift-turn
    elephant flamingo hike hockey horsejump-low kite-walk lucia mallard-fly mallard-water
    motocross-bumps motorbike paragliding rhino rollerblade scooter-gray soccerball stroller
    surf swing tennis train
"""

_VAL_2016 = """
    blackswan bmx-trees breakdance camel car-roundabout car-shadow cows dance-twirl dog
    drift-chicane drift-straight goat horsejump-high kite-surf libby motocross-jump
    paragliding-launch parkour scooter-black soapbox
"""

_TRAIN_2017 = """
    bear bmx-bumps boat boxing-fisheye breakdance-flare bus car-turn cat-girl classic-car
    color-run crossing dance-jump dancing disc-jockey dog-agility dog-gooses dogs-scale
    drift-turn drone elephant flamingo hike hockey horsejump-low kid-football kite-walk koala
    lady-running lindy-hop longboard lucia mallard-fly mallard-water miami-surf
    motocross-bumps motorbike night-race paragliding planes-water rallye rhino rollerblade
    schoolgirls scooter-board scooter-gray sheep skate-park snowboard soccerball stroller
    stunt surf swing tennis tractor-sand train tuk-tuk upside-down varanus-cage walking
"""

_VAL_2017 = """
    bike-packing blackswan bmx-trees breakdance camel car-roundabout car-shadow cows
    dance-twirl dog dogs-jump drift-chicane drift-straight goat gold-fish horsejump-high india
    judo kite-surf lab-coat libby loading mbike-trick motocross-jump paragliding-launch
    parkour pigs scooter-black shooting soapbox
"""

_TEST_DEV_2017 = """
    aerobatics car-race carousel cats-car chamaleon deer giant-slalom girl-dog golf
    guitar-violin gym helicopter horsejump-stick hoverboard lock man-bike monkeys-trees
    mtb-race orchid people-sunset planes-crossing rollercoaster salsa seasnake skate-jump
    slackline subway tandem tennis-vest tractor
"""

OFFICIAL: dict[tuple[int, str], tuple[str, ...]] = {
    (2016, "train"): tuple(_TRAIN_2016.split()),
    (2016, "val"): tuple(_VAL_2016.split()),
    (2016, "trainval"): tuple((_TRAIN_2016 + _VAL_2016).split()),
    (2017, "train"): tuple(_TRAIN_2017.split()),
    (2017, "val"): tuple(_VAL_2017.split()),
    (2017, "trainval"): tuple((_TRAIN_2017 + _VAL_2017).split()),
    (2017, "test-dev"): tuple(_TEST_DEV_2017.split()),
}
