using KvmBackup.Configuration;
using KvmBackup.Planning;

namespace KvmBackup.Tests.Planning;

/// <summary>The selections that run, and the images that they cover.</summary>
public sealed class ImagePlanTests
{
    private static readonly HostSettings Host = ConfigurationReader.Parse(
        """
        cloud1:
          backupdir: /mnt/backup
          rotate: 4
          domains:
            web1: {day_of_week: daily}
          images:
            daily: {pool: rbd, name: ["vm-*", "data"], exclude: "*-swap", day_of_week: daily}
            seldom: {pool: [rbd, ssd], day_of_week: Sun}
        """,
        "config.yml",
        "cloud1");

    [Fact]
    public void A_selection_is_due_on_its_days() =>
        Assert.Equal(
            ["daily True", "seldom False"], Plan(null).Select(images => $"{images.Selection.Name} {images.IsDue}"));

    [Fact]
    public void A_request_for_a_domain_includes_no_image()
    {
        Assert.Empty(Plan("web1"));
        Assert.True(BackupPlanner.Plan(Host, DayOfWeek.Friday, ["web1"], force: true).Jobs[0].IsDue);
    }

    [Fact]
    public void A_request_for_a_selection_includes_all_its_images_and_no_domain()
    {
        BackupPlan plan = BackupPlanner.Plan(Host, DayOfWeek.Friday, ["seldom"], force: true);

        Assert.True(Assert.Single(plan.Images).IsDue);
        Assert.Null(plan.Images[0].Only);
        Assert.Empty(plan.Jobs);
    }

    [Theory]
    [InlineData("rbd:rbd/vm-1", "daily")]
    [InlineData("rbd/vm-1", "daily")]
    [InlineData("ssd/vm-1", "seldom")]
    [InlineData("rbd/vm-1-swap", "seldom")]
    public void A_request_for_an_image_includes_only_that_image_of_its_selection(string name, string selection)
    {
        PlannedImages due = Assert.Single(Plan(name), images => images.IsDue);

        Assert.Equal(selection, due.Selection.Name);
        Assert.Equal([RbdImage.Parse(name.Replace("rbd:", string.Empty, StringComparison.Ordinal))], due.Only!);
    }

    [Theory]
    [InlineData("other/vm-1", "No selection below 'images' of cloud1 covers the image 'other/vm-1'")]
    [InlineData("dayly", "did you mean 'daily'?")]
    [InlineData("a/b/c/d", "Domain 'a/b/c/d' is not in the configuration")]
    public void An_unknown_name_of_any_kind_is_refused(string name, string message) =>
        Assert.Contains(message, Assert.Throws<PlanningException>(() => Plan(name)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_pattern_without_a_match_is_reported_and_the_others_are_used()
    {
        ImageChoice choice = ImageChooser.Choose(
            Host.Images[0], null, [Image("vm-1"), Image("vm-1-swap"), Image("other")], List);

        Assert.Equal([Image("vm-1")], choice.Images);
        Assert.Equal(
            "the pattern 'data' matches no image in rbd; correct it, or list the images: list rbd",
            Assert.Single(choice.Unmatched));
    }

    [Fact]
    public void A_pattern_whose_images_are_all_excluded_is_reported() =>
        Assert.Equal(2, ImageChooser.Choose(Host.Images[0], null, [Image("vm-1-swap")], List).Unmatched.Count);

    [Fact]
    public void A_requested_image_that_does_not_exist_is_reported() =>
        Assert.Equal("the image rbd/vm-9 does not exist", Assert.Single(
            ImageChooser.Choose(Host.Images[0], [Image("vm-9")], [Image("vm-1")], List).Unmatched));

    private static string List(string pool) => $"list {pool}";

    private static RbdImage Image(string name) => new("rbd", null, name);

    private static IReadOnlyList<PlannedImages> Plan(string? name) =>
        BackupPlanner.Plan(Host, DayOfWeek.Friday, name is null ? null : [name], force: name is not null).Images;
}
